/* cli/flame.c - sampled stacks as a page that needs nothing else: HTML, a style, a script.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The stacks arrive sorted, so that those with a common beginning are neighbours: the tree is
 * written in one pass, as nested arrays [name, weight, children], with the path kept on a stack.
 */
#include "profile.h"

#include <inttypes.h>
#include <string.h>

#define MOST_DEPTH 256

static const char page_head[] =
    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>Profile</title>\n<style>\n"
    "body{font:13px system-ui,sans-serif;margin:16px;color:#222}\n"
    "h1{font-size:18px;margin:0 0 4px}p{margin:4px 0 12px;color:#555}\n"
    "#graph{position:relative}\n"
    "#graph div{position:absolute;height:17px;line-height:17px;overflow:hidden;white-space:nowrap;\n"
    " text-overflow:ellipsis;padding:0 3px;box-sizing:border-box;border:1px solid #fff;cursor:pointer;\n"
    " border-radius:2px}\n"
    "#graph div:hover,#graph div.hit{outline:2px solid #333}\n"
    "input{font:inherit;padding:2px 6px;width:18em}\n"
    "</style>\n";

static const char page_tail[] =
    "<p><input id=\"find\" placeholder=\"find a function\"> <span id=\"what\"></span></p>\n"
    "<div id=\"graph\"></div>\n<script>\n"
    "const graph=document.getElementById('graph'),what=document.getElementById('what');\n"
    "const find=document.getElementById('find');let root=data;\n"
    "function hue(s){let h=0;for(const c of s)h=(h*31+c.codePointAt(0))>>>0;return 20+h%40}\n"
    "function share(n){return (100*n/data[1]).toFixed(1)+' %'}\n"
    "function tell(n){what.textContent=n[0]+': '+n[1].toLocaleString()+' fuel, '+share(n[1])}\n"
    "function box(n,x,w,y){if(w*graph.clientWidth<1)return y;\n"
    " const d=document.createElement('div'),own=find.value&&n[0].includes(find.value);\n"
    " d.style.cssText=`left:${x*100}%;width:${w*100}%;top:${y*18}px;background:hsl(${hue(n[0])} 85% 72%)`;\n"
    " if(own)d.className='hit';d.textContent=n[0];d.title=n[0]+' '+share(n[1]);\n"
    " d.onmouseover=()=>tell(n);d.onclick=()=>{root=n;draw()};graph.append(d);\n"
    " let deepest=y,at=x;for(const c of n[2]){const cw=w*c[1]/n[1];\n"
    "  deepest=Math.max(deepest,box(c,at,cw,y+1));at+=cw}return deepest}\n"
    "function draw(){graph.textContent='';let y=0;\n"
    " if(root!==data){const d=document.createElement('div');d.textContent='all';\n"
    "  d.style.cssText='left:0;width:100%;top:0;background:#ddd';d.onclick=()=>{root=data;draw()};\n"
    "  graph.append(d);y=1}\n"
    " graph.style.height=(box(root,0,1,y)+2)*18+'px';tell(root)}\n"
    "find.oninput=draw;onresize=draw;draw();\n</script>\n</html>\n";

/* As a string of JavaScript that cannot end its script element either. */
static void write_string(FILE *out, const char *text, size_t length)
{
    fputc('"', out);
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == 0x7F)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void write_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '<' || *text == '>' || *text == '&')
            fprintf(out, "&#%d;", *text);
        else
            fputc(*text, out);
    }
}

/* The weight of all stacks from `i` on that begin with the first `length` bytes of `path`. */
static uint64_t weight_of(const struct cli_stack_count *stacks, size_t count, size_t i,
                          const char *path, size_t length)
{
    uint64_t weight = 0;
    for (; i < count; i++) {
        const char *s = stacks[i].stack;
        if (strncmp(s, path, length) != 0 || (s[length] != ';' && s[length] != '\0'))
            break;
        weight += stacks[i].weight;
    }
    return weight;
}

/* Where two stacks part: the number of whole names that they share. */
static unsigned common(const char *a, const char *b, const size_t *ends, unsigned depth)
{
    unsigned n = 0;
    while (n < depth && strncmp(a, b, ends[n]) == 0 && (b[ends[n]] == ';' || b[ends[n]] == '\0'))
        n++;
    return n;
}

static void write_tree(FILE *out, const struct cli_stack_count *stacks, size_t count)
{
    size_t ends[MOST_DEPTH]; /* of the names on the open path */
    unsigned depth = 0;
    for (size_t i = 0; i < count; i++) {
        const char *s = stacks[i].stack;
        const unsigned keep = i != 0 ? common(stacks[i - 1].stack, s, ends, depth) : 0;
        for (; depth > keep; depth--)
            fputs("]],", out);
        size_t at = depth != 0 ? ends[depth - 1] : 0;
        while (s[at] != '\0' && depth < MOST_DEPTH) {
            const size_t begin = at + (depth != 0);
            at = begin + strcspn(s + begin, ";");
            fputc('[', out);
            write_string(out, s + begin, at - begin);
            fprintf(out, ",%" PRIu64 ",[", weight_of(stacks, count, i, s, at));
            ends[depth++] = at;
        }
    }
    for (; depth != 0; depth--)
        fputs("]],", out);
}

bool cli_write_flame_graph(FILE *out, const char *title, const struct cli_stack_count *stacks,
                           size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += stacks[i].weight;
    fputs(page_head, out);
    fputs("<h1>", out);
    write_text(out, title);
    fputs("</h1>\n<p>Stacks sampled by fuel; a box is as wide as the share of a function and of "
          "what it calls.</p>\n<script>const data=[\"all\",", out);
    fprintf(out, "%" PRIu64 ",[", total);
    write_tree(out, stacks, count);
    fputs("]];</script>\n", out);
    fputs(page_tail, out);
    return ferror(out) == 0;
}
