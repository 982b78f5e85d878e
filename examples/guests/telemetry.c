/* examples/guests/telemetry.c - reads a drive's log and reports what stands out.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Columns: time in ms, speed over ground in km/h, speed of the slowest wheel in km/h,
 * brake pressure in bar.
 */
#include <math.h>
#include <stdio.h>

struct sample {
    int time_ms;
    double speed, wheel, brake;
};

struct summary {
    int samples, slips, hard_braking;
    double distance_m, top_speed;
};

static int read_sample(FILE *log, struct sample *out)
{
    return fscanf(log, "%d,%lf,%lf,%lf", &out->time_ms, &out->speed, &out->wheel, &out->brake) == 4;
}

/* A wheel slips while it turns a tenth slower than the car moves; count the beginnings. */
static void note(struct summary *sum, const struct sample *last, const struct sample *now)
{
    double hours = (now->time_ms - last->time_ms) / 3.6e6;
    int slips = now->speed > 5 && now->wheel < 0.9 * now->speed;
    int slipped = last->speed > 5 && last->wheel < 0.9 * last->speed;
    double deceleration = (last->speed - now->speed) / 3.6 / (hours * 3600);
    sum->samples++;
    sum->slips += slips && !slipped;
    sum->hard_braking += deceleration > 7 && last->brake > 60;
    sum->distance_m += now->speed * 1000 * hours;
    sum->top_speed = fmax(sum->top_speed, now->speed);
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "/data/drive.csv";
    FILE *log = fopen(path, "r");
    if (log == NULL) {
        perror(path);
        return 1;
    }
    struct summary sum = {0};
    struct sample last, now;
    fscanf(log, "%*[^\n]");
    if (read_sample(log, &last))
        for (; read_sample(log, &now); last = now)
            note(&sum, &last, &now);
    fclose(log);
    printf("telemetry: %d samples, %.2f km, top speed %.0f km/h, %d slips, %d moments of hard braking\n",
           sum.samples, sum.distance_m / 1000, sum.top_speed, sum.slips, sum.hard_braking);
    return 0;
}
