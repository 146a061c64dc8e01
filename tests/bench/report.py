# SPDX-License-Identifier: MIT
"""What the figures are held against, and how they are printed."""
import collections
import statistics

# how: "ratio" to nginx, "difference" from nginx, "alone", or "own": a ratio to another figure of
# harborai's, which `beside` names; is_floor: more is better
Line = collections.namedtuple("Line", "key what how target goal digits is_floor beside",
                              defaults=(False, "nginx"))

LINES = [
    Line("cpu_1k", "CPU-s per 10,000 requests, 1 KB", "ratio", 1.25, 1.0, 3),
    Line("cpu_20k", "CPU-s per 10,000 requests, 20 KB", "ratio", 1.25, 1.0, 3),
    Line("cpu_1k_tls", "CPU-s per 10,000 requests, 1 KB, TLS", "ratio", 1.25, 1.0, 3),
    Line("cpu_20k_tls", "CPU-s per 10,000 requests, 20 KB, TLS", "ratio", 1.25, 1.0, 3),
    Line("rps_32", "requests/s, 32 connections", "ratio", 0.9, 1.05, 0, True),
    Line("rps_1000", "requests/s, 1,000 connections, 20 ms", "ratio", 0.9, 1.05, 0, True),
    Line("p50", "added p50, 1 connection, µs", "difference", 20, 5, 1),
    Line("p99", "added p99, 1 connection, µs", "difference", 35, 15, 1),
    Line("ttft", "added time to first token, p50, µs", "ratio", 1.2, 1.0, 1),
    Line("cpu_events", "CPU-s per 10,000 relayed events", "ratio", 1.15, 1.0, 3),
    Line("cpu_events_tls", "CPU-s per 10,000 relayed events, TLS", "ratio", 1.3, 1.1, 3),
    Line("cpu_5000", "CPU-s per 10,000 events, 5,000 streams", "ratio", 1.15, 1.0, 3),
    Line("cpu_5000_tls", "CPU-s per 10,000 events, 5,000 streams, TLS", "ratio", 1.3, 1.1, 3),
    Line("cpu_translated", "CPU-s per 10,000 translated events", "own", 2, 1.5, 3,
         beside="passing on"),
    Line("idle_mb", "memory idle (PSS), MB", "alone", 11, 8, 1),
    Line("kb_2000", "memory a stream at 2,000, KB", "alone", 18, 15, 1),
    Line("kb_5000", "memory a stream at 5,000, KB", "alone", 18, 15, 1),
    Line("kb_2000_tls", "memory a stream at 2,000, KB, TLS", "alone", 75, 50, 1),
    Line("kb_5000_tls", "memory a stream at 5,000, KB, TLS", "alone", 75, 50, 1),
    Line("broken_5000", "streams of 5,000 that broke or stalled", "alone", 0, 0, 0),
    Line("broken_5000_tls", "streams of 5,000 that broke or stalled, TLS", "alone", 0, 0, 0),
    Line("start", "start to the first answer, ms", "alone", 20, 10, 1),
    Line("open", "library: open, five providers, ms", "alone", 1, 0.4, 3),
    Line("lookup", "look-up of 1,000 models, ns", "alone", 50, 12, 1),
    Line("lookup_fixed", "that, of maps that are replaced, ns", "own", 1.3, 1.1, 1,
         beside="a fixed map"),
    Line("lookup_two", "that, on two threads, ns", "own", 1.1, 1.05, 1, beside="one thread"),
]
NAMES = [*(line.key for line in LINES), "recording"]  # what --only takes


def triple(values, digits, unit=""):
    """minimum / median / maximum"""
    known = [v for v in values if v is not None]
    if not known:
        return "n/a"
    parts = (min(known), statistics.median(known), max(known))
    return " / ".join(f"{v:,.{digits}f}" for v in parts) + unit


def compare(line, ours, theirs):
    """The figure of each round that the target speaks of. Both sides come from the same round."""
    if line.how == "alone":
        return [v for v in ours if v is not None]
    return ratios(ours, theirs) if line.how != "difference" else [a - b for a, b in both(ours, theirs)]


def both(ours, theirs):
    return [(a, b) for a, b in zip(ours, theirs) if a is not None and b is not None]


def ratios(ours, theirs):
    return [a / b for a, b in both(ours, theirs) if b > 0]


def verdict(line, figures):
    """By the median; says so when the rounds disagree."""
    if not figures:
        return "n/a"
    sign = -1 if line.is_floor else 1

    def reaches(value, bound):
        return sign * value <= sign * bound

    middle = statistics.median(figures)
    word = ("goal met" if reaches(middle, line.goal) else
            "met" if reaches(middle, line.target) else "missed")
    agree = len({reaches(v, line.target) for v in figures}) == 1
    return word if agree else f"{word}, not in every round"


def target_text(line):
    sign = ">=" if line.is_floor else "<="
    unit = "x" if line.how in ("ratio", "own") else ""
    plus = "+" if line.how == "difference" else ""
    return f"{sign} {plus}{line.target:g}{unit} ({plus}{line.goal:g}{unit})"


def rows(figures):
    """One dictionary a line, ready for JSON. `figures[key][server]` has a value for each round."""
    result = []
    for line in LINES:
        by_server = figures.get(line.key, {})
        ours = by_server.get("harborai", [])
        theirs = by_server.get(line.beside, [])
        compared = compare(line, ours, theirs)
        result.append({"key": line.key, "what": line.what, "compared_as": line.how,
                       "harborai": ours, "nginx": theirs, "direct": by_server.get("direct", []),
                       "compared": compared, "target": line.target, "goal": line.goal,
                       "verdict": verdict(line, compared)})
    return result


def compared_text(line, row):
    if line.how == "alone":  # for information: the target speaks of our figure
        found = ratios(row["harborai"], row["nginx"])
        return triple(found, 2, "x") if found else ""
    compared = row["compared"]
    if line.how == "difference":
        return triple(compared, 1)
    return triple(compared, 2, f"x of {line.beside}" if line.how == "own" else "x")


def print_table(result_rows):
    head = ("minimum / median / maximum", "harborai", "nginx", "against nginx", "target (goal)", "")
    table = [head]
    for row in result_rows:
        line = next(line for line in LINES if line.key == row["key"])
        table.append((line.what, triple(row["harborai"], line.digits),
                      triple(row["nginx"], line.digits), compared_text(line, row),
                      target_text(line), row["verdict"]))
    widths = [max(len(cells[i]) for cells in table) for i in range(len(head))]
    for cells in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip())
