"""Medians, spread and verdicts; the Markdown and the JSON that bench/plot draws from."""
import json
import statistics

FAULTS = ("lost", "repeated", "missing", "live_lost")


def median(runs, figure):
    values = [run[figure] for run in runs or () if figure in run]
    return statistics.median(values) if values else None


def number(value):
    if value is None:
        return "–"
    if value >= 1e6:
        return f"{value / 1e6:.2f} M"
    if value >= 1e4:
        return f"{value / 1e3:.3g} k" if value < 1e5 else f"{value / 1e3:.0f} k"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def spread(runs, figure):
    """Half the range over the median: how far apart the rounds were."""
    values = [run[figure] for run in runs if figure in run]
    middle = statistics.median(values)
    return f" ± {100 * (max(values) - min(values)) / 2 / middle:.0f} %" if middle else ""


def verdict(goal, figure, servers, ours, measured):
    """(reached, what it was) or None where the other side is missing."""
    ours = goal.server or ours
    value = median(servers.get(ours), figure)
    if value is None:
        return None
    against = 1.0
    if goal.peer:
        against = median(servers.get(goal.peer), figure)
    elif goal.figure:
        against = median(servers.get(ours), goal.figure)
    elif goal.row:
        against = median(measured.get(goal.row, {}).get(ours), figure)
    if not against:
        return None
    ratio = value / against
    return (ratio <= goal.bound if goal.at_most else ratio >= goal.bound), ratio


def cell(runs, figure):
    if not runs or median(runs, figure) is None:
        return "–"
    faults = sum(run.get(name, 0) for run in runs for name in FAULTS)
    return (number(median(runs, figure)) + (spread(runs, figure) if len(runs) > 1 else "")
            + (f", **{faults:.0f} events lost**" if faults else ""))


def lines(rows, measured):
    for row in rows:
        servers = measured.get(row.name, {})
        ours = row.servers[0]
        figures = [(row.figure, goal) for goal in row.goals] + list(row.also)
        for position, (figure, goal) in enumerate(figures):
            again = position > 0 and figure == figures[position - 1][0]
            outcome = goal and verdict(goal, figure, servers, ours, measured)
            said = "" if not outcome else ("yes" if outcome[0] else "**no**") + f" ({number(outcome[1])})"
            peers = [] if again else [f"{name}: {cell(servers.get(name), figure)}"
                                      for name in row.servers[1:]]
            yield [row.name if position == 0 else "", "" if again else figure,
                   "" if again else cell(servers.get(ours), figure), "; ".join(peers),
                   str(goal) if goal else "", said]


HEAD = ["what", "figure", "Fanfare", "beside it", "goal", "reached"]


def table(rows, measured):
    body = [HEAD, ["---"] * len(HEAD), *lines(rows, measured)]
    return "".join("| " + " | ".join(line) + " |\n" for line in body)


def print_table(rows, measured, _):
    print(table(rows, measured))


def write(folder, rows, measured, facts):
    text = ["# Results\n\n",
            "Written by `bench/compare`: the servers run side by side on one machine, one load tool for all, the median of\n"
            "the rounds and half their range. Times on small shared machines mean little; ratios of one run, and figures per\n"
            "second of server CPU, mean more. Every event was checked; a server that lost some says so.\n\n"]
    text += [f"- {name}: {value}\n" for name, value in facts.items()
             if name != "seconds"]
    text += ["\n", table(rows, measured), "\n## Commands\n\n```sh\n"]
    for row in rows:
        text.append(f"{row.command(facts['seconds'][row.name])}   # {row.name}\n")
    text.append("```\n")
    kept = (folder / "RESULTS.md").read_text() if (folder / "RESULTS.md").exists() else ""
    notes = kept[kept.index("## Notes"):] if "## Notes" in kept else ""
    (folder / "RESULTS.md").write_text("".join(text) + ("\n" + notes if notes else ""))
    (folder / "results.json").write_text(json.dumps({"facts": facts, "rows": measured}, indent=1) + "\n")
