# SPDX-License-Identifier: MIT
"""Start of the application: first the window, then everything that takes long."""

from __future__ import annotations

import contextlib
import locale
import os
import signal
import socket
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QLocale, QSocketNotifier, QTimer, Signal
from PySide6.QtGui import QFileOpenEvent, QFont, QFontDatabase
from PySide6.QtWidgets import QApplication

from latent_explorer import __version__
from latent_explorer.app import library
from latent_explorer.app.exploration.updates import MainPicture
from latent_explorer.app.explorer import Explorer
from latent_explorer.app.photograph.controller import PhotographController
from latent_explorer.app.projection.controller import ProjectionController
from latent_explorer.app.timeline.controller import TimelineController
from latent_explorer.app.training.controller import TrainingController
from latent_explorer.common.paths import APP_ID, resource
from latent_explorer.ui.main_thread import MainThreadInvoker
from latent_explorer.ui.main_window import MainWindow
from latent_explorer.ui.style import icons, theme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from latent_explorer.app.engine.model_host import ModelHost

FONTS = ("Inter-Regular.otf", "Inter-SemiBold.otf")
FAMILY = "Inter"
INTERRUPTED = 130  # exit status of a window that a signal closed


class Application(QApplication):
    """Qt's application, which macOS asks by an event to open a file: an app there gets no names on its command line."""

    file_requested = Signal(str)

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self.requested: Path | None = None  # the last one; the first may come before the window can open it

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent) and event.file():
            self.requested = Path(event.file())
            self.file_requested.emit(event.file())
            return True
        return super().event(event)


def make_application() -> QApplication:
    """Return the QApplication with the bundled font; can be called again."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        # Everything here is English; a number looks and is read like those of the fields (widgets/number_box.py).
        QLocale.setDefault(QLocale.c())
        app = Application(sys.argv[:1])
        locale.setlocale(locale.LC_NUMERIC, "C")  # Qt takes the user's, and codecs then read "0,5"
        app.setApplicationName("latent-explorer")
        app.setApplicationDisplayName("Latent Explorer")
        app.setApplicationVersion(__version__)
        app.setDesktopFileName(APP_ID)
        theme.follow_system(app)
    load_font()
    return app


def load_font() -> None:
    """Load the bundled font with tabular figures, since a minimal Linux has no font."""
    if FAMILY not in QFontDatabase.families():
        for name in FONTS:
            QFontDatabase.addApplicationFont(str(resource(f"fonts/{name}")))
    font = QFont(FAMILY)
    font.setPixelSize(theme.BODY)
    font.setFeature(QFont.Tag("tnum"), 1)
    QApplication.setFont(font)


class ApplicationContext:
    """Window with the explorer, its controllers and the invoker between their threads."""

    def __init__(
        self,
        *,
        model_host: ModelHost | None = None,
        data_dir: Path | None = None,
        config_dir: Path | None = None,
        mode: theme.Mode | None = None,
        make_training: Callable[[Explorer], TrainingController] | None = None,
    ) -> None:
        self.bridge = MainThreadInvoker()
        self.explorer = Explorer(self.bridge.post, model_host=model_host, data_dir=data_dir, config_dir=config_dir)
        self.controller = (make_training or partial(TrainingController, data_dir=data_dir))(self.explorer)
        theme.apply(mode or self.explorer.settings.theme)
        self.timelines = TimelineController(self.explorer)
        self.projections = ProjectionController(self.explorer, self.bridge.post)
        self.photographs = PhotographController(self.explorer, self.bridge.post)
        self.window = MainWindow(self.explorer, self.controller, self.timelines, self.projections, self.photographs)
        QApplication.setWindowIcon(icons.program_icon())  # of the dialogs, too

    def begin(self, path: Path | None = None) -> None:
        """Start what takes long, once the window is visible: open `path`, or else the bundled explainer."""
        self.explorer.report_unkept()
        left = self.explorer.recoverable()
        if path is not None:
            self.explorer.open_path(path)
        elif library.bundled():
            self.explorer.open_bundled()
        self.window.offer_recovery(left)
        self.window.dock_host.begin()

    def close(self) -> None:
        """Stop the engine and drop its pending updates. Unsaved work is offered at the next start, unless discarded.

        A training continues without the window.
        """
        self.controller.close()
        self.projections.close()
        self.photographs.close()
        self.explorer.close(keep_autosave=self.explorer.unsaved and not self.window.files.discarded)
        self.bridge.close()


def run(path: Path | None = None) -> int:
    """Open the window, on `path` if given, and run until it is closed. Return the exit status."""
    app = make_application()
    desktop = ApplicationContext()
    desktop.window.present()
    app.processEvents()
    print_timing("window_visible")
    _report_first_picture(desktop.explorer)
    desktop.window.tour.start_once()

    def begin() -> None:
        requested = None
        if isinstance(app, Application):
            requested = app.requested
            app.file_requested.connect(lambda name: desktop.explorer.open_path(Path(name)))
        desktop.begin(path or requested)

    QTimer.singleShot(0, desktop.window, begin)
    try:
        with _ended_by_signals(app):
            return app.exec()
    finally:
        desktop.close()


@contextlib.contextmanager
def _ended_by_signals(app: QApplication) -> Iterator[None]:
    """Close the window in order at Ctrl-C, a shutdown and a lost terminal; unsaved work is offered at the next start.

    Python runs signal handlers between two of its own lines only, and Qt waits outside of them. The system therefore
    writes a byte into a socket, on which Qt waits, too.
    """
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    previous = {number: old for number in numbers if (old := signal.getsignal(number)) != signal.SIG_IGN}
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        notifier = QSocketNotifier(reader.fileno(), QSocketNotifier.Type.Read)
        notifier.activated.connect(lambda _socket: reader.recv(1))
        woken = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in previous:
            signal.signal(number, lambda _number, _frame: app.exit(INTERRUPTED))
        try:
            yield
        finally:
            for number, old in previous.items():
                signal.signal(number, old)
            signal.set_wakeup_fd(woken)
            notifier.setEnabled(False)


def _report_first_picture(explorer: Explorer) -> None:
    def report(_picture: MainPicture) -> None:
        disconnect()
        QTimer.singleShot(0, lambda: print_timing("first_picture"))

    disconnect = explorer.updates.on(MainPicture, report)


def print_timing(what: str) -> None:
    """Print the seconds since the process began to stderr, if `benchmarks/startup.py` asks for them."""
    if os.environ.get("LATENT_EXPLORER_TIMING") == "1":
        print(f"LATENT_EXPLORER_TIMING {what}={process_seconds():.3f}", file=sys.stderr, flush=True)


def process_seconds() -> float:
    """Return the seconds since this process was started; without /proc, a `time.perf_counter` value."""
    try:
        began = float(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        ticks = os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - began / ticks
    except (OSError, AttributeError, ValueError):
        return time.perf_counter()
