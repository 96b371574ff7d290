"""The bench's table: a figure, what it is compared with, and its target."""

import json


class Table:
    def __init__(self):
        self.rows = []

    def add(self, figure, value, unit, reference=None, target=None,
            ratio_target=None):
        """A target is the most that value, or value/reference, may be."""
        ratio = value / reference if reference else None
        over = (target is not None and value > target) or (
            ratio_target is not None
            and (ratio is None or ratio > ratio_target)
        )
        limited = target is not None or ratio_target is not None
        self.rows.append({
            "figure": figure, "value": value, "unit": unit,
            "reference": reference, "ratio": ratio, "target": target,
            "ratio_target": ratio_target,
            "verdict": "over" if over else "ok" if limited else "",
        })
        print(f"  {figure}: {number(value)} {unit}", flush=True)

    def lines(self):
        head = ("figure", "value", "reference", "ratio", "target", "")
        body = [head]
        for row in self.rows:
            target = ""
            if row["ratio_target"] is not None:
                target = f"{row['ratio_target']:g} x"
            elif row["target"] is not None:
                target = f"{number(row['target'])} {row['unit']}"
            ratio = row["ratio"]
            body.append((
                row["figure"],
                f"{number(row['value'])} {row['unit']}",
                "" if row["reference"] is None else number(row["reference"]),
                "" if ratio is None else f"{ratio:.2f}",
                target,
                row["verdict"],
            ))
        widths = [max(len(line[i]) for line in body) for i in range(6)]
        for index, line in enumerate(body):
            cells = [line[0].ljust(widths[0])]
            cells += [line[i].rjust(widths[i]) for i in range(1, 5)]
            yield "  ".join([*cells, line[5]]).rstrip()
            if index == 0:
                yield "-" * (sum(widths) + 10)

    def write(self, path):
        with open(path, "w") as out:
            json.dump(self.rows, out, indent=1)


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
