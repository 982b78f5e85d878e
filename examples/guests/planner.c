/* examples/guests/planner.c - the shortest way across a map, and a greedy request.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The map: '#' is a wall, 'S' the start, 'G' the goal; breadth-first search over its cells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WIDTH = 128, MAX_HEIGHT = 128 };

static char map[MAX_HEIGHT][MAX_WIDTH + 2];
static int height;

static int read_map(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    while (height < MAX_HEIGHT && fgets(map[height], sizeof map[0], file) != NULL)
        height++;
    fclose(file);
    return height > 0;
}

static int find(char what)
{
    for (int y = 0; y < height; y++) {
        char *at = strchr(map[y], what);
        if (at != NULL)
            return y * MAX_WIDTH + (int)(at - map[y]);
    }
    return -1;
}

static int is_free(int cell)
{
    int y = cell / MAX_WIDTH, x = cell % MAX_WIDTH;
    return cell >= 0 && y < height && x < (int)strcspn(map[y], "\n") && map[y][x] != '#';
}

/* Steps from `start` to `goal`, or -1; the queue and the distances are on the heap. */
static int shortest(int start, int goal, int *visited)
{
    int cells = MAX_WIDTH * MAX_HEIGHT, head = 0, tail = 0;
    int *queue = malloc((size_t)cells * sizeof *queue);
    int *steps = malloc((size_t)cells * sizeof *steps);
    if (queue == NULL || steps == NULL)
        return -1;
    memset(steps, -1, (size_t)cells * sizeof *steps);
    steps[start] = 0;
    queue[tail++] = start;
    while (head < tail && steps[goal] < 0) {
        static const int moves[] = {1, -1, MAX_WIDTH, -MAX_WIDTH};
        int cell = queue[head++];
        for (int i = 0; i < 4; i++) {
            int next = cell + moves[i];
            if (is_free(next) && steps[next] < 0) {
                steps[next] = steps[cell] + 1;
                queue[tail++] = next;
            }
        }
    }
    int result = steps[goal];
    *visited = head;
    free(queue);
    free(steps);
    return result;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "/data/map.txt";
    if (!read_map(path)) {
        perror(path);
        return 1;
    }
    int start = find('S'), goal = find('G'), visited = 0;
    if (start < 0 || goal < 0) {
        fprintf(stderr, "planner: %s has no start or no goal\n", path);
        return 2;
    }
    int steps = shortest(start, goal, &visited);
    printf("planner: %d steps from start to goal, %d cells looked at\n", steps, visited);

    void *volatile greedy = malloc(64u << 20); /* volatile: else the compiler drops it */
    printf("planner: asked for 64 MiB more: %s\n", greedy == NULL ? "refused" : "granted");
    free(greedy);
    return steps < 0 ? 3 : 0;
}
