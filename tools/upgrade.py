"""Upgrades a board through its AT port: ``python -m tools.upgrade PORT IMAGE``.

The image is served from this machine and AT+USEROTA sent, or with ``--uart`` it goes through the port
(AT+USEROTASTART and so on). It is checked first, and at the end the version that answers is told.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from sim.models import TARGETS, Target
from tools import app_image, micropython_build
from tools.at_line import TIMED_OUT, TRANSFER_FAILED, AtLine, AtLineError, NoAnswer, Refused
from tools.file_server import FileServer, address_towards
from tools.flash_layout import LARGEST_SLOT

PIECE = 4096
TRIES = 4
# Restart with a check of the whole slot, and a fallback to the old image if that is how it ends.
RESTART_SECONDS = 60.0
JOIN_SECONDS = 60.0
# AT+USEROTAEND, and the end of a download, verify a whole slot.
VERIFY_SECONDS = 30.0
PROMPT_IDLE_MS = 2000
WITH_ADDRESS = 2
REPORT = re.compile(r"\+USEROTA:(\d+),(\d+)")
NO_WIFI = (
    "the board has no Wi-Fi: give --ssid and --password (make: SSID=... PASSWORD=...), join with AT+CWMODE=1 and "
    'AT+CWJAP="ssid","password", or feed it through the port with --uart (make: UART=1)'
)

Show = Callable[[int], None]


class UpgradeError(Exception):
    """Why there is no upgrade, in one line."""


@dataclass(frozen=True)
class Image:
    """An image that has been checked; ``data`` is the whole file, a signature included."""

    path: Path
    data: bytes
    version: str
    target: Target

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def read_image(path: Path) -> Image:
    """Read and check an image, as far as this can be known without the board. Raises UpgradeError."""
    try:
        data = path.read_bytes()
        build = micropython_build.read(data)
        if build.boot_loader:
            raise app_image.ImageError("this is for make flash; an upgrade takes the file without -flash in its name")
        version = build.app.version
    except (OSError, app_image.ImageError) as error:
        raise UpgradeError(f"{path}: {error}") from error
    if len(data) > LARGEST_SLOT:
        raise UpgradeError(f"{path}: {len(data)} bytes, but a slot has {LARGEST_SLOT} at most")
    return Image(path, data, version, build.app.target)


def download(line: AtLine, image: Image, options: argparse.Namespace, show: Show) -> None:
    """AT+USEROTA from this machine, up to its OK."""
    join(line, options.ssid, options.password)
    host = options.http_host or find_address(line)
    with FileServer(image.path, host, options.http_port) as server, settings(line, "USEROTACFG", "1,1"):
        url = f"{server.url}#sha256={image.digest}"
        line.prompt(f"AT+USEROTA={len(url)}")
        line.send_data(url.encode())

        def look(text: str) -> None:
            if match := REPORT.fullmatch(text):
                show(int(match[1]))

        try:
            line.finish(options.timeout, look)
        except Refused as error:
            if error.code != TRANSFER_FAILED or server.requests:
                raise
            raise UpgradeError(f"the board cannot reach {server.url}: say --http-host, or open the firewall") from error
        except (NoAnswer, KeyboardInterrupt):
            line.send("AT+USEROTAABORT")
            raise


def join(line: AtLine, ssid: str | None, password: str) -> None:
    """Join the access point that is named, or make sure that the board is on a network."""
    if ssid is not None:
        line.command("AT+CWMODE=1")
        line.command(f"AT+CWJAP={quoted(ssid)},{quoted(password)}", JOIN_SECONDS)
    elif not any(text.startswith(f"+CWSTATE:{WITH_ADDRESS},") for text in line.command("AT+CWSTATE?")):
        raise UpgradeError(NO_WIFI)


def find_address(line: AtLine) -> str:
    """This machine's address on the route to the board, or on the default route if the board cannot tell its own."""
    board = None
    with contextlib.suppress(Refused):
        told = re.search(r'\+CIPSTA:ip:"([0-9.]+)"', "\n".join(line.command("AT+CIPSTA?")))
        board = told and told[1]
    try:
        return address_towards(board)
    except OSError as error:
        raise UpgradeError(f"no route to the board ({error}): say this machine's address with --http-host") from error


def feed(line: AtLine, image: Image, options: argparse.Namespace, show: Show) -> None:
    """Send the image through the port, up to the OK of AT+USEROTAEND. A piece that gets lost is sent again."""
    # A prompt that ends by itself lets a piece with lost bytes be repeated.
    with settings(line, "USEROTACFG", "0,1"), settings(line, "USERPROMPT", str(PROMPT_IDLE_MS)):
        line.command(f'AT+USEROTASTART={len(image.data)},"{image.digest}"')
        try:
            for begin in range(0, len(image.data), PIECE):
                send_piece(line, image.data[begin : begin + PIECE], options.timeout)
                show(min(begin + PIECE, len(image.data)))
            line.command("AT+USEROTAEND", VERIFY_SECONDS)
        except (AtLineError, KeyboardInterrupt):
            with contextlib.suppress(AtLineError):
                line.command("AT+USEROTAABORT")
            raise


def send_piece(line: AtLine, piece: bytes, timeout: float) -> None:
    """AT+USEROTADATA, again if it timed out."""
    for _ in range(TRIES):
        line.prompt(f"AT+USEROTADATA={len(piece)}")
        line.send_data(piece)
        try:
            line.finish(timeout)
            return
        except Refused as error:
            if error.code != TIMED_OUT:
                raise
    raise UpgradeError("bytes get lost on the way to the board: check the wiring and the baud rate")


@contextlib.contextmanager
def settings(line: AtLine, name: str, values: str) -> Iterator[None]:
    """Give a setting other values until the restart; after a failure it is as it was. Boards without it do without."""
    try:
        before = line.command(f"AT+{name}?")[-1].partition(":")[2]
        line.command(f"AT+{name}={values}")
    except (Refused, IndexError):
        yield
        return
    try:
        yield
    except BaseException:
        with contextlib.suppress(AtLineError):
            line.command(f"AT+{name}={before}")
        raise


def version_that_answers(line: AtLine) -> str:
    """Wait for the restart; what AT+GMR says. The command also proves the image good."""
    try:
        line.wait_for("ready", RESTART_SECONDS)
    except NoAnswer as error:
        raise UpgradeError("the board took the image, but does not say ready") from error
    line.attach()
    return version_and_chip(line)[0]


def version_and_chip(line: AtLine) -> tuple[str, str]:
    """What AT+GMR says of the firmware and the chip."""
    for text in line.command("AT+GMR"):
        if match := re.fullmatch(r"Bin version:(.*)\((.*)\)", text):
            return match[1], match[2]
    raise UpgradeError("the board does not tell its version")


def check_chip(line: AtLine, image: Image) -> None:
    """Refuse an image for another chip, as the board would, but at once; raises UpgradeError."""
    chip = version_and_chip(line)[1]
    if any(chip.lower() == target.name != image.target.name for target in TARGETS.values()):
        raise UpgradeError(f"{image.path} is for {image.target.name}, the board is an {chip}")


def quoted(text: str) -> str:
    """A string parameter."""
    return '"' + re.sub(r'([\\",])', r"\\\1", text) + '"'


def upgrade(options: argparse.Namespace) -> str:
    """The whole course; what to tell at the end. Raises UpgradeError or AtLineError."""
    image = read_image(options.image)
    line = AtLine(options.port, options.baudrate)
    try:
        line.attach()
        with error_codes(line):
            check_chip(line, image)
            run_way(line, image, options)
            answers = version_that_answers(line)
    finally:
        line.close()
    if answers != image.version:
        raise UpgradeError(f"version {image.version} did not start properly: {answers} answers again")
    return f"version {answers} answers"


def run_way(line: AtLine, image: Image, options: argparse.Namespace) -> None:
    """Bring the image to the board, with a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(f"upgrade to {image.version}", total=len(image.data))

        def show(count: int) -> None:
            progress.update(task, completed=count)

        (feed if options.uart else download)(line, image, options, show)
        show(len(image.data))


@contextlib.contextmanager
def error_codes(line: AtLine) -> Iterator[None]:
    """Have errors told with their codes until the restart; after a failure all is as it was, the echo too."""
    line.command("AT+SYSLOG=1")
    try:
        yield
    except BaseException:
        with contextlib.suppress(AtLineError):
            line.command("AT+SYSLOG=0")
            if line.echo:
                line.command("ATE1")
        raise


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.upgrade", description="Upgrade a board by its AT port.")
    parser.add_argument("port", help="the AT port: a device, or any URL that pyserial takes")
    parser.add_argument("image", type=Path, help="an image that tools.image has made, signed or not")
    parser.add_argument("--baudrate", type=int, default=115200, help="default: %(default)s")
    parser.add_argument("--uart", action="store_true", help="send the image through the port, not by Wi-Fi")
    parser.add_argument("--ssid", help="join this access point first")
    parser.add_argument("--password", default="", help="its password")
    parser.add_argument("--http-host", help="the address at which the board reaches this machine; found if not given")
    parser.add_argument("--http-port", type=int, default=0, help="a TCP port to serve at; default: any free one")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds without progress (default: %(default)g)")
    options = parser.parse_args(arguments)
    try:
        print(upgrade(options))
    except KeyboardInterrupt:
        print("upgrade stopped: the board goes on with what it has", file=sys.stderr)
        return 130
    except (UpgradeError, AtLineError, OSError) as error:
        print(f"no upgrade: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
