/* tests/wasi/programs/exits.c - proc_exit passes its code through.
 * SPDX-License-Identifier: Apache-2.0
 * run: --
 * exit: 37
 */
#include <stdlib.h>
#include <stdio.h>

int main(void)
{
    printf("unflushed");
    exit(37);
}
