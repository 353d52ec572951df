#!/usr/bin/env python3
"""Decodes the messages of a live ring, read-only, as docs/LAYOUT.md says.

Prints a JSON object for each, its bytes in hexadecimal; without --wait, up to where they
end now. What is no whole ring is refused, with the field that is wrong: exit status 1.
"""

import argparse, json, mmap, os, stat, struct, sys, time, zlib

HEADER_LEN = 4096
IDENTITY = struct.Struct("<8sIIIIQQQQQQQIIQIIQ16sIIIIQQQ")
FIELDS = """magic version byte_order kind header_len incompat compat region_len data_offset capacity stride
    max_message message_size message_align type_tag delivery participants created boot_id held
    max_deliveries placement node huge lock_device lock_inode""".split()
FIXED = {"magic": b"IRONRING", "version": 1, "byte_order": 0x01020304, "header_len": HEADER_LEN}
CHECKSUM, RETIRED, TAIL, HEAD = 248, 256, 640, 768
PADDING, READY, FOLLOWED, LENGTH, POSITIONS = 0xC0000000, 1 << 31, 1 << 30, (1 << 30) - 1, 1 << 64
MPMC, HELD, MAX_PACKED = 2, 168, 4095
STATES, ROLES = ("detached", "attached", "recovered"), ("", "producer", "consumer")
COUNTS = {"attachments": 16, "redelivered": 64, "dropped": 72, "displaced": 88, "producers": 104, "last": 144}


class Refused(Exception):
    """No ring that this program can read."""


class Overtaken(Exception):
    """What was looked at was taken meanwhile, and may be something else by now: where to go on."""


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


def up(length, unit):
    return (length + unit - 1) // unit * unit


def is_power(number, most):
    return 0 < number <= most and number & (number - 1) == 0


class Ring:
    """Either kind: the file, its identity, and words."""

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
        for field, value in FIXED.items():
            require(field, of[field], of[field] == value)
        require("kind", of["kind"], of["kind"] in (1, MPMC))
        self.capacity, self.stride = of["capacity"], of["stride"]
        self.size, self.longest = of["message_size"], of["max_message"]
        require("incompat", of["incompat"], of["incompat"] in (0, 1))
        self.has_checksums = of["incompat"] == 1
        self.__class__ = Exchange if of["kind"] == MPMC else Stream
        with open("/proc/sys/kernel/random/boot_id") as boot_id:
            this_boot = bytes.fromhex(boot_id.read().strip().replace("-", ""))
        pages, log = of["placement"] & 3, of["placement"] >> 8
        for field, is_right in (self.expected(of) | {
            "delivery": of["delivery"] in (1, 2),
            "created": 0 < of["created"] < time.time_ns() + 86_400 * 10**9,
            "boot_id": of["boot_id"] == this_boot,
            "placement": (16 <= log <= 34 if pages == 3 else log == 0) and not of["placement"] & 0xF0,
            "node": of["node"] <= 1024,
            "huge": pages == 2 or of["huge"] == 0,
            "lock_device": of["lock_device"] == 0,
            "lock_inode": of["lock_inode"] == 0,
        }).items():
            require(field, of[field], is_right)
        require("the file's length", length, length == up(of["region_len"], 1 << log))
        require("checksum", hex(self.word(CHECKSUM)), self.word(CHECKSUM) == fnv1a(self.bytes[8:CHECKSUM]))

    def word(self, at):
        return self.words[at // 8]

    def end(self, of_data, places):
        """Where the region ends, in which messages may start in so many places."""
        self.checksums = up(of_data, 4096)
        return self.checksums + 8 * places if self.has_checksums else of_data

    def compare(self, place, position, header, data):
        """Compares a message with its checksum, if there are any."""
        if self.has_checksums:
            found = self.word(self.checksums + 8 * place)
            crc = zlib.crc32(data, zlib.crc32(header.to_bytes(8, "little")))
            require("message checksum", hex(found), found == crc << 32 | position % (1 << 32))


class Stream(Ring):
    """SPSC."""

    def expected(self, of):
        """Whether each field is right, in the order of asking."""
        capacity, stride, align = self.capacity, self.stride, of["message_align"]
        if self.size:
            strides = stride % 8 == 0 and self.size <= stride < 1 << 33
            aligns = is_power(align, align) and stride % align == 0
            longest = self.longest == self.size
        else:
            strides, aligns, longest = stride == 1, align == 1, self.longest <= min(capacity // 2 - 8, LENGTH)
        fits = is_power(capacity, 1 << 40) and (self.size or capacity >= 64)
        return {
            "stride": strides,
            "capacity": fits and capacity * stride <= 1 << 43,
            "max_message": longest,
            "message_align": aligns,
            "data_offset": of["data_offset"] == HEADER_LEN,
            "region_len": of["region_len"]
            == self.end(HEADER_LEN + capacity * stride, capacity if self.size else capacity // 16),
            "participants": of["participants"] == 2,
            "held": of["held"] == 0,
            "max_deliveries": of["max_deliveries"] == 0,
        }

    def at(self, position):
        return HEADER_LEN + position % self.capacity * self.stride

    def look(self, position):
        """The message at `position`, and where the next one is looked for; or None."""
        if self.size:
            waiting = (self.word(TAIL) - position) % POSITIONS
            require("tail", self.word(TAIL), waiting <= self.capacity)
            if not waiting:
                return None
            data = self.bytes[self.at(position) : self.at(position) + self.size]
            self.compare(position % self.capacity, position, 0, data)
            return [{"position": position, "data": data.hex()}], position + 1
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
        data = self.bytes[start : start + length]
        self.compare(position % self.capacity // 16, position, header, data)
        return [{"position": position, "tag": header >> 32, "data": data.hex()}], position + footprint(length)

    def read(self, position):
        """As `look`, if `position` was not released before the look was over."""
        try:
            return self.look(position)
        finally:
            if 0 < (self.word(HEAD) - position) % POSITIONS < POSITIONS // 2:
                raise Overtaken(self.word(HEAD))


class Exchange(Ring):
    """MPMC."""

    def expected(self, of):
        """Whether each field is right, in the order of asking; and where everything lies."""
        capacity, stride, align = self.capacity, self.stride, of["message_align"]
        self.participants, self.held = of["participants"], of["held"]
        self.record_len = up(HELD + 16 * self.held, 128)
        self.slots = capacity + self.participants * self.held
        self.bits = self.slots.bit_length()
        self.entries = up(self.record(self.participants), 4096)
        self.data, self.payload = of["data_offset"], max(16, align)
        return {
            "capacity": is_power(capacity, 1 << 24) and self.slots * stride <= 1 << 43,
            "participants": 1 <= self.participants <= 1024,
            "held": 2 <= self.held <= 64,
            "max_deliveries": of["max_deliveries"] <= 1000,
            "message_align": is_power(align, 4096) and (self.size > 0 or align == 1),
            "max_message": self.longest <= LENGTH and self.size in (0, self.longest),
            "stride": stride % max(8, align) == 0 and self.payload + self.longest <= stride <= 1 << 31,
            "data_offset": self.data == up(self.entries + 8 * capacity, 4096),
            "region_len": of["region_len"] == self.end(self.data + self.slots * stride, self.slots),
        }

    def record(self, number):
        return HEADER_LEN + number * self.record_len

    def messages(self, slot, position):
        """The messages in the slot that was given at `position`, each with its tag."""
        require("slot", slot, slot < self.slots)
        found, offset, start = [], 8, self.data + slot * self.stride
        while len(found) < MAX_PACKED:
            header = self.word(start + offset)
            length, at = header & LENGTH, self.payload if self.size else offset + 8
            is_right = header & READY and at + length <= self.stride and (self.size or length <= self.longest)
            require("slot header", hex(header), is_right)
            data = self.bytes[start + at : start + at + length]
            if self.size or not header & FOLLOWED:
                first, end = self.word(start + 8), at + up(length, 1 if self.size else 8)
                self.compare(slot, position, first, self.bytes[start + 16 : start + end])
            if self.size:
                return [(0, data[i : i + self.size]) for i in range(0, length, self.size)]
            found.append((header >> 32, data))
            if not header & FOLLOWED:
                return found
            offset += 8 + up(length, 8)
            require("slot header", hex(header), offset + 8 <= self.stride)
        raise Refused("a slot has too many messages")

    def read(self, position):
        """The messages at `position`, and where the next ones are looked for; or None."""
        at = self.entries + 8 * (position % self.capacity)
        entry, turns = self.word(at), 1 << 64 - self.bits
        ahead = ((entry >> self.bits) - 2 * (position // self.capacity) - 1) % turns
        if ahead >= turns // 2:
            return None
        if ahead > 0:
            raise Overtaken(position + 1 + (ahead - 1) // 2 * self.capacity)
        try:
            found = self.messages(entry % (1 << self.bits), position)
        finally:
            if self.word(at) != entry:
                raise Overtaken(position + 1)
        tags = [{} if self.size else {"tag": tag} for tag, _ in found]
        lines = [{"position": position} | tag | {"data": data.hex()} for tag, (_, data) in zip(tags, found)]
        return lines, position + 1

    def participant(self, number):
        """What record `number` says."""
        word = lambda at: self.word(self.record(number) + at)
        told = {"number": number, "state": STATES[word(0)], "role": ROLES[word(56)]}
        told |= {name: word(at) for name, at in COUNTS.items()} | {"intends": word(128) & 3, "holds": []}
        for i in range(self.held):
            held = word(HELD + 8 * i)
            if held >> 60:
                position = word(HELD + 8 * (self.held + i))
                told["holds"].append({
                    "position": position,
                    "state": ("", "messages", "aside", "dropping")[held >> 60],
                    "deliveries": (held >> 50) % (1 << 10),
                    "messages": [data.hex() for _, data in self.messages(held % (1 << 26), position)][(held >> 26) % (1 << 12):],
                })
        return told


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path")
    parser.add_argument("--count", type=int, help="end after so many messages")
    parser.add_argument("--wait", type=float, default=0, help="seconds to wait for another one")
    parser.add_argument("--participants", action="store_true", help="what an MPMC ring's records say instead")
    options = parser.parse_args()
    ring = Ring(options.path)
    if options.participants:
        for number in range(ring.participants):
            print(json.dumps(ring.participant(number)))
        return
    position, count, deadline = ring.word(HEAD), 0, time.monotonic() + options.wait
    while options.count is None or count < options.count:
        try:
            found = ring.read(position % POSITIONS)
        except Overtaken as overtaken:
            position = overtaken.args[0]
            continue
        if found:
            for message in found[0]:
                print(json.dumps(message), flush=True)
            count += len(found[0])
            position, deadline = found[1], time.monotonic() + options.wait
        elif time.monotonic() > deadline or ring.word(RETIRED):
            break
        else:
            time.sleep(0.0002)


if __name__ == "__main__":
    try:
        main()
    except (Refused, OSError) as error:
        sys.exit(f"read_ring.py: {error}")
