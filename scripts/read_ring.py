#!/usr/bin/env python3
"""Decodes the messages of a live ring, read-only, as docs/LAYOUT.md says.

Prints a JSON object for each, its bytes in hexadecimal; without --wait, up to where they
end now. What is no whole ring is refused, with the field that is wrong: exit status 1.
"""

import argparse, json, mmap, os, stat, struct, sys, time

HEADER_LEN = 4096
IDENTITY = struct.Struct("<8sIIIIQQQQQQQIIQIIQ16s")
FIELDS = """magic version byte_order kind header_len incompat compat region_len data_offset capacity
    stride max_message message_size message_align type_tag delivery participants created boot_id""".split()
FIXED = {"magic": b"IRONRING", "version": 1, "byte_order": 0x01020304, "kind": 1, "header_len": HEADER_LEN}
FIXED |= {"incompat": 0, "data_offset": HEADER_LEN, "participants": 2}
CHECKSUM, RETIRED, TAIL, HEAD = 248, 256, 640, 768
PADDING, READY, LENGTH, POSITIONS = 0xC0000000, 1 << 31, (1 << 30) - 1, 1 << 64


class Refused(Exception):
    """No ring that this program can read."""


class Overtaken(Exception):
    """What was looked at was released meanwhile, and may be something else by now."""


def require(field, found, is_right):
    if not is_right:
        raise Refused(f"{field} is {found!r}")


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % POSITIONS
    return value


def footprint(length):
    needed = 8 + length
    return next((size for size in (16, 32, 64) if needed <= size), (needed + 7) // 8 * 8)


class Ring:
    def __init__(self, path):
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            found = os.fstat(fd)
            require("the file's type", stat.filemode(found.st_mode), stat.S_ISREG(found.st_mode))
            length = found.st_size
            require("the file's length", length, length >= HEADER_LEN and length % 8 == 0)
            self.bytes = mmap.mmap(fd, length, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
        finally:
            os.close(fd)
        self.words = memoryview(self.bytes).cast("Q")
        of = dict(zip(FIELDS, IDENTITY.unpack_from(self.bytes)))
        self.capacity, self.stride = of["capacity"], of["stride"]
        self.size, self.longest = of["message_size"], of["max_message"]
        for field, is_right in self.expected(of).items():
            require(field, of[field], is_right)
        require("the file's length", length, length == of["region_len"])
        require("checksum", hex(self.word(CHECKSUM)), self.word(CHECKSUM) == fnv1a(self.bytes[8:CHECKSUM]))

    def expected(self, of):
        """Whether each field is right, in the order of asking."""
        capacity, stride, align = self.capacity, self.stride, of["message_align"]
        is_power = 0 < capacity <= 1 << 40 and capacity & (capacity - 1) == 0
        with open("/proc/sys/kernel/random/boot_id") as boot_id:
            this_boot = bytes.fromhex(boot_id.read().strip().replace("-", ""))
        if self.size:
            strides = stride % 8 == 0 and self.size <= stride < 1 << 33
            aligns = align > 0 and align & (align - 1) == 0 and stride % align == 0
            longest = self.longest == self.size
        else:
            strides, aligns, longest = stride == 1, align == 1, self.longest <= min(capacity // 2 - 8, LENGTH)
        return {field: of[field] == value for field, value in FIXED.items()} | {
            "stride": strides,
            "capacity": is_power and (self.size or capacity >= 64) and capacity * stride <= 1 << 43,
            "max_message": longest,
            "message_align": aligns,
            "delivery": of["delivery"] in (1, 2),
            "region_len": of["region_len"] == HEADER_LEN + capacity * stride,
            "created": 0 < of["created"] < time.time_ns() + 86_400 * 10**9,
            "boot_id": of["boot_id"] == this_boot,
        }

    def word(self, at):
        return self.words[at // 8]

    def at(self, position):
        return HEADER_LEN + position % self.capacity * self.stride

    def look(self, position):
        """The message at `position`, and where the next one is looked for; or None."""
        if self.size:
            waiting = (self.word(TAIL) - position) % POSITIONS
            require("tail", self.word(TAIL), waiting <= self.capacity)
            data = self.bytes[self.at(position) : self.at(position) + self.size]
            return ({"position": position, "data": data.hex()}, position + 1) if waiting else None
        header = self.word(self.at(position))
        if header == 0:
            return None
        if header == PADDING:
            position += self.capacity - position % self.capacity
            header = self.word(self.at(position))
        length, start = header & LENGTH, self.at(position) + 8
        to_end = self.capacity - position % self.capacity
        is_right = header & PADDING == READY and length <= self.longest and footprint(length) <= to_end
        require("frame header", hex(header), is_right)
        data = self.bytes[start : start + length].hex()
        return {"position": position, "tag": header >> 32, "data": data}, position + footprint(length)

    def read(self, position):
        """As `look`, if `position` was not released before the look was over."""
        try:
            return self.look(position)
        finally:
            if 0 < (self.word(HEAD) - position) % POSITIONS < POSITIONS // 2:
                raise Overtaken


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path")
    parser.add_argument("--count", type=int, help="end after so many messages")
    parser.add_argument("--wait", type=float, default=0, help="seconds to wait for another one")
    options = parser.parse_args()
    ring = Ring(options.path)
    position, count, deadline = ring.word(HEAD), 0, time.monotonic() + options.wait
    while count != options.count:
        try:
            found = ring.read(position % POSITIONS)
        except Overtaken:
            position = ring.word(HEAD)
            continue
        if found:
            print(json.dumps(found[0]), flush=True)
            position, count, deadline = found[1], count + 1, time.monotonic() + options.wait
        elif time.monotonic() > deadline or ring.word(RETIRED):
            break
        else:
            time.sleep(0.0002)


if __name__ == "__main__":
    try:
        main()
    except (Refused, OSError) as error:
        sys.exit(f"read_ring.py: {error}")
