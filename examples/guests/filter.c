/* examples/guests/filter.c - a library without libc: smooths samples that the host gives.
 * SPDX-License-Identifier: Apache-2.0
 */
__attribute__((import_module("host"), import_name("sample"))) int sample(int index);

__attribute__((export_name("average"))) double average(int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += sample(i);
    return count > 0 ? sum / count : 0;
}
