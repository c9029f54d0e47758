#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What Linux serves behind the relay: files over HTTP/1.1 kept alive, and a port that discards."""

import argparse
import os
import socket
import threading

DISCARD_PORT = 9
HTTP_PORT = 80
BLOCK = 1 << 18


def listen(port, congestion):
    """A listener; what it accepts has its congestion control."""
    sock = socket.create_server(('', port), backlog=512)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())
    return sock


def answer(sock, files):
    """One request after the other; a request is all of one segment, as our client sends it."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        request = sock.recv(4096)
        if not request:
            return
        body = files[request.split()[1].decode().lstrip('/')]
        head = f'HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n'
        # One call, so that head and body share segments.
        sock.sendmsg([head.encode(), body[:BLOCK]])
        sock.sendall(body[BLOCK:])


def discard(sock, _):
    """Everything until the end."""
    room = bytearray(BLOCK)
    while sock.recv_into(room):
        pass


def accept(listener, serve, files):
    """A thread for each connection."""
    def one(sock):
        try:
            with sock:
                serve(sock, files)
        except OSError:
            pass
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=one, args=(sock,), daemon=True).start()


def main():
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('root', help='the files')
    parser.add_argument('--congestion', default='cubic')
    options = parser.parse_args()
    files = {}
    for name in os.listdir(options.root):
        with open(os.path.join(options.root, name), 'rb') as file:
            files[name] = memoryview(file.read())
    discarding = listen(DISCARD_PORT, options.congestion)
    threading.Thread(target=accept, args=(discarding, discard, files), daemon=True).start()
    accept(listen(HTTP_PORT, options.congestion), answer, files)


if __name__ == '__main__':
    main()
