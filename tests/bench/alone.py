# SPDX-License-Identifier: MIT
"""What is measured without nginx: recording calls, looking models up, opening a client."""
import json
import os
import subprocess

import report
import servers

OPENS = 25  # processes that open a client


def run_recording(bench):
    """What it costs to record calls: CPU of the same requests to gateways that record less."""
    if not bench.has_harborai:
        return
    postgres = servers.postgres(bench.args.build)
    if not postgres.programs():
        bench.troubles.append("no PostgreSQL to copy to: apt-get install postgresql")
        record_to(bench, "")
        return
    with postgres.server() as server:
        record_to(bench, server.database().url())


def record_to(bench, postgres_url):
    gateways = {}
    for number, (what, settings) in enumerate(servers.RECORDING.items()):
        if "@URL@" in settings and not postgres_url:
            continue
        folder = bench.folder / f"recording-{number}"
        gateways[what] = bench.harborai.start(folder, bench.upstreams[False],
                                                settings.replace("@URL@", postgres_url))
        bench.running.append(gateways[what])
        gateways[what].first_answer_ms()
    found = {what: [] for what in gateways}
    for index in range(bench.args.rounds):
        for what, server in gateways.items():
            result = bench.run_load(server, f"1 KB, {what}", index)
            if result and result["requests"]:
                found[what].append(result["cpu_s"] / result["requests"] * 1e4)
    for what, values in found.items():
        bench.figures[f"recording: {what}"] = {"harborai": values}
        bench.notes.append(f"CPU-s per 10,000 requests, 1 KB, with {what}: "
                           f"{report.triple(values, 3)}")
    for server in gateways.values():
        bench.running.remove(server)
        server.stop()


def run_open(bench):
    """A process for each figure: the first client that it opens."""
    program = bench.programs / "open"
    if not os.access(program, os.X_OK) or not bench.has_harborai:
        return
    env = dict(os.environ, HARBORAI_PLUGIN_PATH=":".join(bench.harborai.plugins))
    found = []
    for _ in range(OPENS):
        done = subprocess.run([program, str(bench.upstreams[False].port), bench.folder / "opened"],
                              capture_output=True, text=True, timeout=30, check=False, env=env)
        if done.returncode != 0:
            bench.troubles.append(f"{program.name}: {done.stdout + done.stderr}")
            return
        found.append(json.loads(done.stdout))
    bench.figures["open"] = {"harborai": [f["open_ms"] for f in found]}
    last = found[-1]
    bench.notes.append(f"library: open takes {last['bytes']:,} bytes of the heap; "
                       f"{last['plugins_before']} plugins are mapped before the first call, "
                       f"{last['plugins_after']} after it; the first answer takes "
                       f"{report.triple([f['first_ms'] for f in found], 1)} ms")
    if last["plugins_before"] > 0:
        bench.troubles.append("a plugin was loaded before the first call")


def run_lookup(bench):
    program = bench.programs / "lookup"
    if not os.access(program, os.X_OK):
        return
    done = subprocess.run([program], capture_output=True, text=True, timeout=120, check=False)
    try:
        sizes = json.loads(done.stdout)
        middle = sizes["1000"]
    except (ValueError, KeyError, TypeError):
        bench.troubles.append(f"{program.name}: no figures: {done.stdout + done.stderr}")
        return
    # the dearer of both, so that a look-up that threads make slower cannot hide
    dearer = [max(both) for both in zip(middle["one_thread"], middle["two_threads"])]
    bench.figures["lookup"] = {"harborai": dearer}
    bench.figures["lookup_fixed"] = {"harborai": middle["one_thread"],
                                     "a fixed map": middle["fixed_map"]}
    bench.figures["lookup_two"] = {"harborai": middle["two_threads"],
                                   "one thread": middle["one_thread"]}
    for models, found in sizes.items():
        parts = ", ".join(f"{what.replace('_', ' ')} {report.triple(found[what], 1)}"
                          for what in ("fixed_map", "one_thread", "two_threads"))
        bench.notes.append(f"look-up of {int(models):,} models, ns: {parts}")
