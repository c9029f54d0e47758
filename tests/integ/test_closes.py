# SPDX-License-Identifier: BSD-3-Clause
"""The ways an application ends a connection, on a running daemon, as Linux clients see them."""
import contextlib
import fcntl
import os
import signal
import socket
import struct
import termios
import time
import unittest

import bed
import test_live

ENDS = 4000             # the service of ends_service.c: a byte tells it what to do
MUCH = 10000            # what it sends where it sends something
LINGER_S = 2
SMALL_WINDOW = 2304     # the least SO_RCVBUF of Linux


def unacknowledged(s):
    """Bytes that the appliance has not acknowledged yet."""
    return struct.unpack("i", fcntl.ioctl(s, termios.TIOCOUTQ, bytes(4)))[0]


class Closes(test_live.Knobs):
    over = {"daemon": os.path.join(bed.build_dir(), "tests", "integ", "sluiced_ends"),
            "drain_timeout": "1s", "services": {"ends": None}}

    @contextlib.contextmanager
    def told(self, what, window=None):
        """A connection whose service does what it is told."""
        with socket.socket() as s:
            if window is not None:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            s.settimeout(10)
            s.connect((bed.APPLIANCE, ENDS))
            s.sendall(what)
            yield s

    def thrown_away(self):
        rows = self.app.ctl("show", "outcomes", "--all")["outcomes"]
        return next(row["packets"] for row in rows if row["reason"] == "after-shut-rd")

    def is_reset(self, s):
        with self.assertRaises(ConnectionResetError):
            while s.recv(MUCH):
                pass

    # --- close and SO_LINGER -----------------------------------------------------------------

    def test_close_sends_what_waits_and_then_the_end(self):
        with self.told(b"n") as s:
            self.assertEqual(bed.recv_all(s), bytes(MUCH))
            self.wait(lambda: self.states(s) == ["fin-wait-2"], 1)
            port = s.getsockname()[1]
        self.wait(lambda: self.states(port) == ["time-wait"], 1)

    def test_close_with_data_unread_resets(self):
        before = self.counter("TcpExtTCPAbortOnClose")
        with self.told(b"c and more, unread") as s:
            self.is_reset(s)
            self.assertEqual(self.states(s), [])
        self.assertEqual(self.counter("TcpExtTCPAbortOnClose"), before + 1)

    def test_linger_of_0_s_resets_at_once_and_leaves_no_time_wait(self):
        before = self.counter("SluiceTimeWaits")
        with self.told(b"0") as s:
            self.is_reset(s)
            self.assertEqual(self.states(s), [])
        self.assertEqual(self.counter("SluiceTimeWaits"), before)

    def test_linger_of_n_s_gives_the_data_so_long(self):
        with self.told(b"n", SMALL_WINDOW) as s:
            self.wait(lambda: self.states(s) == ["fin-wait-1"], 1)
            begin = time.monotonic()
            self.wait(lambda: self.states(s) == [])
            self.assertGreater(time.monotonic() - begin, LINGER_S - 0.8)
            self.is_reset(s)

    # --- shutdown, three ways ----------------------------------------------------------------

    def test_shutdown_of_sending_sends_what_waits_and_leaves_the_rest_to_the_owner(self):
        with self.changed("tcp_fin_timeout", "1"), self.told(b"w") as s:
            self.assertEqual(bed.recv_all(s), bytes(MUCH))
            # Longer than tcp_fin_timeout, which is for orphans, and it still receives.
            time.sleep(2)
            self.assertEqual(self.states(s), ["fin-wait-2"])
            s.sendall(bytes(MUCH))
            self.wait(lambda: unacknowledged(s) == 0)
            port = s.getsockname()[1]
        self.wait(lambda: self.states(port) == ["time-wait"], 1)

    def test_shutdown_of_receiving_takes_data_and_throws_it_away(self):
        before = self.thrown_away()
        with self.told(b"r") as s:
            time.sleep(0.1)
            s.sendall(bytes(MUCH))
            self.wait(lambda: unacknowledged(s) == 0, 1)
            self.assertEqual(self.states(s), ["established"])
            self.assertGreater(self.thrown_away(), before)
            # It closes a bit later, with nothing unread: no reset.
            self.assertEqual(s.recv(1), b"")

    def test_shutdown_of_both_ends_the_stream_and_throws_away_what_comes(self):
        before = self.thrown_away()
        with self.told(b"b") as s:
            self.assertEqual(s.recv(1), b"")
            s.sendall(bytes(MUCH))
            self.wait(lambda: unacknowledged(s) == 0, 1)
            self.assertEqual(self.states(s), ["fin-wait-2"])
            self.assertGreater(self.thrown_away(), before)
            port = s.getsockname()[1]
        self.wait(lambda: self.states(port) == ["time-wait"], 1)


class Dies(unittest.TestCase):
    def test_an_application_that_ends_has_all_its_connections_reset(self):
        """Whatever they are about: silent, sending, half-closed."""
        with contextlib.ExitStack() as stack:
            app = bed.Appliance(**Closes.over)
            stack.callback(app.stop)
            app.start()
            quiet, asked, its = [stack.enter_context(bed.connect(p)) for p in (7, 19, ENDS)]
            asked.recv(100)
            its.sendall(b"w")
            self.assertEqual(bed.recv_all(its), bytes(MUCH))
            app.proc.send_signal(signal.SIGTERM)
            self.assertEqual(app.proc.wait(10), 0)
            for s in (quiet, asked):
                with self.assertRaises(ConnectionResetError):
                    while s.recv(1 << 20):
                        pass
            with self.assertRaises((ConnectionResetError, BrokenPipeError)):
                for _ in range(10):
                    its.sendall(b"x")
                    time.sleep(0.05)


if __name__ == "__main__":
    bed.main()
