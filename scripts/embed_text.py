#!/usr/bin/env python3
"""Write a text file as a C string.

usage: embed_text.py TEXT NAME OUT.c
NAME.h declares it: extern const char NAME[].
"""
import json
import sys

text, name, out = sys.argv[1:]
with open(text, encoding="utf-8") as f:
    lines = f.read().splitlines(keepends=True)
with open(out, "w", encoding="utf-8") as f:
    f.write(f'#include "{name}.h"\n\nconst char {name}[] =\n')
    f.write("\n".join("    " + json.dumps(line, ensure_ascii=False)
                      for line in lines))
    f.write(";\n")
