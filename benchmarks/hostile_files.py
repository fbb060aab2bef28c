# SPDX-License-Identifier: MIT
"""Open every hostile file of the tests' corpus in a process of its own, and print what came of it.

    python benchmarks/hostile_files.py [KIND ...]

Prints a Markdown table: whether code of the attack ran, processor seconds, peak memory beside the size of the file, and
the sentence. A process begins with the libraries imported, as the window has them. Python's audit events tell what is
started, connected or unpickled. Exits with 1 if code ran, an error was no sentence, or a limit was exceeded.
Linux only: peaks are those of /proc.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "helpers"), str(ROOT)]

LONGEST = 5.0  # seconds of the processor
MEMORY = 64 << 20  # bytes beside twice the file
HANGS = 120  # seconds until a process is ended
# Events of Python that no reader causes: a program that is started, a connection, a class that a pickle asks for.
FORBIDDEN = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "subprocess.Popen",
    "socket.connect",
    "pickle.find_class",
)


def memory(field: str) -> int:
    """Return a figure of this process in bytes: VmRSS or VmHWM."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) << 10  # type: ignore[index]


def prepare(kind: str, name: str, folder: str, pipe: multiprocessing.connection.Connection) -> None:
    """Make the file of an attack, in a process of its own: it takes memory, too."""
    import hostile_models

    pipe.send(str(hostile_models.ATTACKS[kind][name](Path(folder))))


def attack(path: str, pipe: multiprocessing.connection.Connection) -> None:
    """Read a file, and send seconds, peak memory, forbidden events, and the sentence or the error."""
    import hostile_models

    seen: list[str] = []
    secret = f"{Path(path).parent.name}.secret"

    def note(event: str, args: tuple[object, ...]) -> None:
        if event in FORBIDDEN or (event == "open" and str(args[0]).endswith((secret, "/etc/passwd"))):
            seen.append(event)

    sys.addaudithook(note)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before, start, failed = memory("VmRSS"), time.process_time(), ""
    try:
        sentence = hostile_models.answer(Path(path))
    except BaseException as error:
        sentence, failed = "", f"{type(error).__name__}: {error}"
    pipe.send((time.process_time() - start, memory("VmHWM") - before, seen, sentence, failed))


def ask(context: multiprocessing.context.ForkServerContext, target: object, *args: str) -> object:
    """Run a function in a new process, and return what it sends; None if it dies or hangs."""
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=target, args=(*args, theirs))  # type: ignore[arg-type]
    child.start()
    theirs.close()
    try:
        found = ours.recv() if ours.poll(HANGS) else None
    except EOFError:
        found = None
    child.kill()
    child.join()
    return found


def line(context: multiprocessing.context.ForkServerContext, kind: str, name: str) -> tuple[str, bool]:
    """Return the row of an attack, and whether all went well."""
    import hostile_models

    with tempfile.TemporaryDirectory() as outer:
        folder = Path(outer) / "files"
        folder.mkdir()
        path = Path(str(ask(context, prepare, kind, name, str(folder))))
        size = hostile_models.size_of(path)
        found = ask(context, attack, str(path))
        ran = (folder / "canary").exists()
        if found is None:
            return f"| {kind} | {name} | died or hung | | | |", False
        seconds, peak, seen, sentence, failed = found  # type: ignore[misc]
        ran = ran or bool(seen)
        well = not ran and not failed and seconds < LONGEST and peak < 2 * size + MEMORY
        text = re.sub(r"\S*/files/", "", sentence or failed or "taken")
        text = text if len(text) < 160 else f"{text[:158].rsplit(' ', 1)[0]} ..."
        return (
            f"| {kind} | {name} | {'**RAN** ' + ' '.join(seen) if ran else 'no'} | {seconds:.2f} s | "
            f"{peak / 1e6:.0f} MB of {size / 1e6:.1f} MB | {text.replace('|', '/')} |"
        ), well


def main() -> None:
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path[:2])}  # also of what is preloaded
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hostile_prepared"])
    import hostile_models

    print("| kind | attack | code ran | time | peak memory, file | outcome |")
    print("| --- | --- | --- | --- | --- | --- |")
    faults = 0
    for kind in sys.argv[1:] or hostile_models.ATTACKS:
        for name in hostile_models.ATTACKS[kind]:
            text, well = line(context, kind, name)
            faults += not well
            print(text if well else f"{text} **FAULT**", flush=True)
    print(f"\n{faults} faults.")
    sys.exit(faults > 0)


if __name__ == "__main__":
    main()
