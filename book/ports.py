"""Ports of this machine: one that is free, and what is said where the one that was asked for cannot be had."""

import argparse
import re
import socket
import sys

HOST = "127.0.0.1"
OWN_NAMES = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")  # others lead here by a trick of the name's owner

_withheld = []


def port_number(text):
    if text.isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port (1–65535) · 不是端口号（1–65535）")


def check_port(port, command):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bind(probe, HOST, port, command)


def withhold(port, command):
    """Keeps the port of ::1 from other users of the machine while this process lives, without answering there.

    Browsers go there first with a name that ends in .localhost, and would give a password to whoever listens.
    """
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:  # there is no IPv6
        return
    _withheld.append(socket.socket(socket.AF_INET6))
    bind(_withheld[-1], "::1", port, command)


def bind(probe, host, port, command):
    try:
        probe.bind((host, port))
    except OSError as error:
        free = free_port()
        sys.exit(
            f"Port {port} cannot be had ({error.strerror}). Another one: {command} PORT={free}\n"
            f"端口 {port} 不能用（已被占用，或没有权限）。换一个：{command} PORT={free}"
        )


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
