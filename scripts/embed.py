#!/usr/bin/env python3
"""Write the files of a folder as a C table for hub/http/assets.h.

usage: embed.py FOLDER OUT.c DEPFILE
A folder that is not there makes an empty table.
"""
import gzip
import hashlib
import os
import re
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}


def files(folder):
    """Every file, sorted by its path in the table."""
    found = []
    for at, _, names in os.walk(folder):
        for name in names:
            full = os.path.join(at, name)
            found.append(("/" + os.path.relpath(full, folder), full))
    return sorted(found)


def array(name, data):
    text = ["static const unsigned char %s[] = {" % name]
    for i in range(0, len(data), 20):
        text.append(",".join(str(b) for b in data[i:i + 20]) + ",")
    text.append("};")
    return "\n".join(text)


def row(i, path, data, gz):
    kind = TYPES.get(os.path.splitext(path)[1], "application/octet-stream")
    etag = '\\"%s\\"' % hashlib.sha256(data).hexdigest()[:20]
    # Vite puts a hash of the content into the names under assets/.
    fixed = bool(re.match(r"/assets/.*-[\w-]{8}\.\w+$", path))
    return '\t{ "%s", "%s", "%s", %s, data%d, %d, %s, %d },' % (
        path, kind, etag, "true" if fixed else "false", i, len(data),
        "gz%d" % i if gz else "NULL", len(gz))


def main():
    folder, out, depfile = sys.argv[1:]
    arrays, rows = [], []
    deps = [folder if os.path.isdir(folder) else os.path.dirname(folder)]
    for i, (path, full) in enumerate(files(folder)):
        with open(full, "rb") as f:
            data = f.read()
        gz = gzip.compress(data, 9, mtime=0)
        if len(gz) > len(data) * 0.9:
            gz = b""
        # A NUL that the length does not count ends text files.
        arrays.append(array("data%d" % i, data + b"\0"))
        if gz:
            arrays.append(array("gz%d" % i, gz))
        rows.append(row(i, path, data, gz))
        deps += [full, os.path.dirname(full)]
    count = len(rows)
    if not rows:
        rows = ['\t{ "", "", "", false, NULL, 0, NULL, 0 },']
    with open(out, "w") as f:
        f.write('#include "assets.h"\n\n' + "\n".join(arrays) +
                "\n\nconst struct asset assets_table[] = {\n" +
                "\n".join(rows) + "\n};\nconst size_t assets_count = %d;\n"
                % count)
    with open(depfile, "w") as f:
        f.write("%s: %s\n" % (out, " ".join(
            d.replace(" ", "\\ ") for d in dict.fromkeys(deps))))


if __name__ == "__main__":
    main()
