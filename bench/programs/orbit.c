/* Four bodies under each other's gravity, n steps: f64 with structures in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

struct body { double x, y, z, vx, vy, vz, mass; };

static struct body bodies[4];

static void start(void)
{
    for (int i = 0; i < 4; i++)
        bodies[i] = (struct body){i * 1.5, i * 0.7 - 1, i * 0.1, 0.3 - i * 0.2, i * 0.15, 0, 1 + i};
}

static void pull(struct body *a, struct body *b, double dt)
{
    double dx = b->x - a->x, dy = b->y - a->y, dz = b->z - a->z;
    double square = dx * dx + dy * dy + dz * dz + 0.01;
    double factor = dt / (square * __builtin_sqrt(square));
    a->vx += dx * b->mass * factor; a->vy += dy * b->mass * factor; a->vz += dz * b->mass * factor;
    b->vx -= dx * a->mass * factor; b->vy -= dy * a->mass * factor; b->vz -= dz * a->mass * factor;
}

int run(int n)
{
    double sum = 0;
    start();
    for (int step = 0; step < n; step++) {
        for (int i = 0; i < 4; i++)
            for (int j = i + 1; j < 4; j++)
                pull(&bodies[i], &bodies[j], 0.001);
        for (int i = 0; i < 4; i++) {
            bodies[i].x += 0.001 * bodies[i].vx;
            bodies[i].y += 0.001 * bodies[i].vy;
            bodies[i].z += 0.001 * bodies[i].vz;
        }
    }
    for (int i = 0; i < 4; i++)
        sum += bodies[i].x + bodies[i].y;
    return (int)(sum * 1000);
}
