# SPDX-License-Identifier: MIT
"""Reads Prometheus' text format 0.0.4 and OpenMetrics 1.0, and refuses what either does not allow."""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf'({NAME})(?:\{{(.*)\}})? (-?[0-9.]+(?:e[-+][0-9]+)?|\+Inf)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
TYPES = ("counter", "gauge", "histogram", "summary")
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count"),
            "summary": ("_sum", "_count")}


class Family:
    def __init__(self, name):
        self.name, self.type, self.help, self.unit, self.samples = name, None, None, None, {}


def labels_of(text):
    found, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match, f"bad labels: {text!r}"
        assert match[1] not in found, f"label twice: {text!r}"
        found[match[1]] = match[2]
        at = match.end()
    return found


def check_histogram(family):
    """Buckets grow up to +Inf, which is the count; nothing is there without the others."""
    groups = {}
    for (name, labels), value in family.samples.items():
        rest = tuple(x for x in labels if x[0] != "le")
        group = groups.setdefault(rest, {"bounds": []})
        if name.endswith("_bucket"):
            group["bounds"].append((float(dict(labels)["le"]), value))
        else:
            group[name[len(family.name):]] = value
    for group in groups.values():
        bounds = group["bounds"]
        assert bounds == sorted(bounds) and bounds[-1][0] == float("inf"), (family.name, bounds)
        assert [v for _, v in bounds] == sorted(v for _, v in bounds), (family.name, bounds)
        assert bounds[-1][1] == group["_count"] and "_sum" in group, (family.name, group)


def check_open(family):
    assert not family.name.endswith(("_total", "_bucket", "_count", "_sum")), family.name
    for unit in ("seconds", "bytes"):
        assert (family.unit == unit) == family.name.endswith("_" + unit), (family.name, family.unit)
    for name, labels in family.samples:
        le = dict(labels).get("le")
        assert le is None or re.fullmatch(r"\+Inf|[0-9]+\.[0-9]+|[0-9.]+e-[0-9]+", le), (name, le)


def check_family(family, is_open):
    assert family.type in TYPES and family.help, family.name
    suffixes = SUFFIXES[family.type] if is_open or family.type != "counter" else ("",)
    for name, _ in family.samples:
        assert name in [family.name + suffix for suffix in suffixes], (family.name, name)
    if family.type == "counter" and not is_open:
        assert family.name.endswith("_total"), family.name
    if family.type in ("counter", "histogram", "summary"):
        assert all(value >= 0 for value in family.samples.values()), family.name
    if family.type == "histogram":
        check_histogram(family)
    if is_open:
        check_open(family)


def parse(text, is_open):
    """Families by their names; AssertionError for what is not allowed."""
    families, family = {}, None
    assert text.endswith("\n") and not text.startswith("\n") and "\n\n" not in text
    lines = text[:-1].split("\n")
    if is_open:
        assert lines.pop() == "# EOF"
    for line in lines:
        if line.startswith("# "):
            _, word, name, said = line.split(" ", 3)
            assert re.fullmatch(NAME, name) and word in ("HELP", "TYPE", "UNIT"), line
            if family is None or family.name != name:
                assert name not in families, f"family twice: {name}"
                family = families[name] = Family(name)
            assert not family.samples, f"behind its samples: {line}"
            assert getattr(family, word.lower()) is None, line
            assert said and (word != "UNIT" or is_open), line
            setattr(family, word.lower(), said)
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        key = match[1], tuple(labels_of(match[2] or "").items())
        assert family and match[1].startswith(family.name), f"of no family: {line}"
        assert key not in family.samples, f"series twice: {line}"
        family.samples[key] = float(match[3])
    for family in families.values():
        check_family(family, is_open)
    return families


def value(families, name, **labels):
    """Of the series with these labels, perhaps among others: their sum; None: there is none."""
    found = [number for family in families.values() for (series, has), number in
             family.samples.items() if series == name and set(labels.items()) <= set(has)]
    return sum(found) if found else None
