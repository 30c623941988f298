"""What a run finds: for each thing that was done, what is promised, what was seen, and whether it was kept."""

from typing import NamedTuple

MOST_EVIDENCE = 12
NEEDS_ROOT = "not run: needs root"


class Finding(NamedTuple):
    done: str
    promised: str
    seen: str
    kept: object
    evidence: tuple = ()
    scenario: str = ""

    def verdict(self):
        return {True: "yes", False: "**BROKEN**", None: "–"}[self.kept]


def finding(done, promised, seen, kept, evidence=()):
    return Finding(done, promised, seen, kept, tuple(map(str, evidence)))


def told(done, promised, seen):
    """Something that is seen and not judged."""
    return Finding(done, promised, seen, None)


def not_run(done, promised, why):
    return Finding(done, promised, why, None)


def no_errors(done, window, promised="no caller gets an error"):
    """Of a window of the load."""
    failures, count = window.failures(), len(window.all())
    return finding(done, promised, f"{len(failures)} of {count} requests failed", count > 0 and not failures, failures)


def little_lost(done, window, most=0.050):
    """Of a window of the load: what a request loses to Redis at most."""
    losses, left_out = window.losses()
    promised = f"a request loses at most {most * 1000:.0f} ms"
    if left_out > len(losses) / 3:
        return not_run(done, promised, f"not run: the machine was busy with something else, {left_out} requests left out")
    losing = [record for lost, record in losses if lost > most]
    seen = f"most: {max(losses[0][0], 0) * 1000:.0f} ms; {len(losing)} of {len(losses)} requests lost more"
    seen += f" ({left_out} left out: the replica without Redis was slow just then, too)" if left_out else ""
    return finding(done, promised, seen, not losing, losing)


def no_older(done, window, most=2.5):
    """Of a window of the load. `Age` and the moment in an answer are whole seconds, so that they may seem two apart."""
    records = window.all()
    older = sorted((record for record in records if record.untold_age > most), key=lambda record: -record.untold_age)
    seen = f"{len(older)} of {len(records)} answers are older, by {max(record.untold_age for record in records):.1f} s at most"
    return finding(done, "no answer is older than it says", seen, not older, older)


def table(findings):
    lines = ["| what was done | what is promised | what was seen | kept |", "|---|---|---|---|"]
    for found in findings:
        lines.append(f"| {found.done} | {found.promised} | {found.seen} | {found.verdict()} |")
    return "\n".join(lines)


def evidence(found):
    lines = [f"BROKEN in {found.scenario}: {found.done}: {found.promised}: {found.seen}"]
    lines += [f"    {line}" for line in found.evidence[:MOST_EVIDENCE]]
    if len(found.evidence) > MOST_EVIDENCE:
        lines.append(f"    … and {len(found.evidence) - MOST_EVIDENCE} more")
    return "\n".join(lines)
