/* tests/cli/hello.c - says hello and names its arguments.  SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

int main(int argc, char **argv)
{
    puts("hello, world");
    if (argc > 1)
        for (int i = 0; i < argc; i++)
            printf("argument %d: %s\n", i, argv[i]);
    return 0;
}
