# SPDX-License-Identifier: MIT
"""The loads whose CPU is measured, by the name of their line: what they are, and bench_load's options."""

STREAMS = ["--connections", "64", "--stream", "--events", "200", "--delay-us", "4000"]
LOADS = {
    "cpu_1k": ("1 KB, 32 connections", []),
    "cpu_20k": ("20 KB, 32 connections", ["--body", "20000"]),
    "rps_1000": ("1,000 connections", ["--connections", "1000", "--delay-ms", "20"]),
    "cpu_events": ("relayed events", STREAMS),
    "cpu_translated": ("translated events", [*STREAMS, "--model", "bench-claude"]),
}
LOADS |= {f"{name}_tls": (f"{LOADS[name][0]}, TLS upstream", LOADS[name][1])
          for name in ("cpu_1k", "cpu_20k", "cpu_events")}


def is_tls(line):
    """Whether the upstream of that line speaks TLS."""
    return line.endswith("_tls")
