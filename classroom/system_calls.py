"""The system calls that are shut in the sandbox: they fail as if the kernel had never heard of them.

A filter for bubblewrap's --seccomp, in the kernel's own form. Shut is what tells of the machine outside (its mounts,
its log, its keys), what leads around this filter or out of the sandbox's bounds, and what takes memory that is no
process's, and so counted by no limit.
"""

import errno
import platform
import struct

# By machine: its number in the kernel's audit, and its column in the tables of calls.
MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1), "riscv64": (0xC00000F3, 1)}
MACHINES["loongarch64"] = (0xC0000102, 1)
SHUT = [
    *[(103, 116), (248, 217), (249, 218), (250, 219)],  # syslog, add_key, request_key, keyctl
    *[(272, 97), (308, 268), (165, 40), (166, 39), (155, 41)],  # unshare, setns, mount, umount2, pivot_root
    *[(321, 280), (298, 241), (323, 282)],  # bpf, perf_event_open, userfaultfd
    *[(319, 279), (29, 194), (64, 190), (68, 186)],  # memfd_create, shmget, semget, msgget
]
SHUT_EVERYWHERE = [
    *[457, 458, 428, 429, 430, 431, 432, 433, 442, 467],  # statmount, listmount, and the newer ways to mount
    *[425, 426, 427],  # io_uring, which opens sockets past this filter
    435,  # clone3, whose flags no filter can read; libraries then call clone
    447,  # memfd_secret
]
CLONE, SOCKET = (56, 220), (41, 198)
NAMESPACES = 0x7E020000  # flags of clone
FAMILIES = (1, 2, 10, 16)  # of sockets: Unix, IPv4, IPv6, netlink; others go past the sandbox's network to the machine
OTHER_ABI = 0x40000000  # x86_64 has every call a second time from here on

# A step: what, steps to skip if so, if not, number.
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
CALL, AUDIT, ARGUMENT = 0, 4, 16  # where the filter finds them
ALLOW, FAIL = 0x7FFF0000, 0x00050000 | errno.ENOSYS


def shut_on(machine):
    """The numbers of the calls that are shut, whatever their arguments are."""
    _, column = MACHINES[machine]
    return [*(call[column] for call in SHUT), *SHUT_EVERYWHERE]


def program():
    """The filter; an empty one, which allows everything, on a machine that is not in the table."""
    if platform.machine() not in MACHINES:
        return packed([(RETURN, 0, 0, ALLOW)])
    audit, column = MACHINES[platform.machine()]
    fail, allow = (RETURN, 0, 0, FAIL), (RETURN, 0, 0, ALLOW)
    steps = [(LOAD, 0, 0, AUDIT), (EQUAL, 1, 0, audit), fail]
    steps += [(LOAD, 0, 0, CALL), (AT_LEAST, 0, 1, OTHER_ABI), fail]
    for call in shut_on(platform.machine()):
        steps += [(EQUAL, 0, 1, call), fail]
    steps += [(EQUAL, 0, 4, CLONE[column]), (LOAD, 0, 0, ARGUMENT), (ANY_BIT, 0, 1, NAMESPACES), fail, allow]
    known = [(EQUAL, len(FAMILIES) - place, 0, family) for place, family in enumerate(FAMILIES)]
    steps += [(EQUAL, 0, len(known) + 2, SOCKET[column]), (LOAD, 0, 0, ARGUMENT), *known, fail, allow]
    return packed(steps)


def packed(steps):
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
