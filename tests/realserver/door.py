"""A door before a model server that counts the chat calls which go through. The servers' own logs do not tell."""

from __future__ import annotations

import socket
import socketserver
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

CHAT = b"POST /v1/chat/completions "
BLOCK_BYTES = 65_536
CONNECT_S = 10.0


class Door(socketserver.ThreadingTCPServer):
    """Hands every connection on to ``port``, byte by byte; a context manager that listens on a port of its own."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passage)
        self.port = port
        self.chats = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def __enter__(self) -> Door:
        threading.Thread(target=self.serve_forever, name="door", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()


class _Passage(socketserver.BaseRequestHandler):
    server: Door
    request: socket.socket

    def handle(self) -> None:
        try:
            behind = socket.create_connection(("127.0.0.1", self.server.port), timeout=CONNECT_S)
        except OSError:
            return  # nobody is there: the caller's connection is closed
        behind.settimeout(None)
        with behind:
            back = threading.Thread(target=_pump, args=(behind, self.request), daemon=True)
            back.start()
            tail = b""
            while block := _receive(self.request):
                # A request's first line may lie across two blocks; what is kept is too short to count twice.
                self.server.chats += (tail + block).count(CHAT)
                tail = (tail + block)[1 - len(CHAT) :]
                if not _send(behind, block):
                    break
            _shut(behind)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    while block := _receive(source):
        if not _send(target, block):
            break
    _shut(target)


def _receive(source: socket.socket) -> bytes:
    try:
        return source.recv(BLOCK_BYTES)
    except OSError:
        return b""


def _send(target: socket.socket, block: bytes) -> bool:
    try:
        target.sendall(block)
    except OSError:
        return False
    return True


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was first
