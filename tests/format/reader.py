#!/usr/bin/env python3
"""Reads a vault. Written from docs/format.md alone, to show that the page is enough.

    reader.py                                 read the golden vaults and vectors beside this file
    reader.py VAULT CREDENTIAL...             verify everything, list the secrets
    reader.py VAULT CREDENTIAL... --get NAME  verify everything, print the value
    reader.py VAULT CREDENTIAL... --archive FILE  verify everything and an archive, list its entries

Exits with 1, and says why on stderr, as soon as anything is not as the page says it must be.
Never writes. Does not know the program's source, and compares with no anchor.
"""

import argparse
import contextlib
import hashlib
import hmac
import pathlib
import sqlite3
import struct
import sys
import unicodedata

import cbor2
import nacl.exceptions
from argon2.low_level import Type, hash_secret_raw
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as xchacha_open

SCHEMA = """\
CREATE TABLE vault (id INTEGER PRIMARY KEY CHECK(id = 1), public BLOB NOT NULL, state BLOB NOT NULL) STRICT
CREATE TABLE slot  (n   INTEGER PRIMARY KEY CHECK(n BETWEEN 0 AND 15),     body BLOB NOT NULL) STRICT
CREATE TABLE node  (n   INTEGER PRIMARY KEY CHECK(n BETWEEN 0 AND 63),     body BLOB NOT NULL) STRICT
CREATE TABLE bucket(n   INTEGER PRIMARY KEY CHECK(n BETWEEN 0 AND 4095),   body BLOB NOT NULL) STRICT
CREATE TABLE secret(rid INTEGER PRIMARY KEY, box BLOB NOT NULL) STRICT
CREATE TABLE value (vid INTEGER PRIMARY KEY, box BLOB NOT NULL) STRICT
CREATE TABLE audit (seq INTEGER PRIMARY KEY, box BLOB NOT NULL) STRICT""".splitlines()
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PASSPHRASE, KEYFILE, RECOVERY, BOTH = 1, 2, 3, 4  # kinds of slot
SUBKEYS = "state secret value audit name tree anchor".split()


class Refused(Exception):
    """The vault, or the credential, is not what the page says it must be."""


def require(condition, why):
    if not condition:
        raise Refused(why)


def u16(number): return struct.pack(">H", number)
def u32(number): return struct.pack(">I", number)
def u64(number): return struct.pack(">Q", number)
def domain(n): return b"srm1\0" + bytes([n, 0, 0])
def sha256(data): return hashlib.sha256(data).digest()
def mac(key, *parts): return hmac.digest(key, b"".join(parts), "sha256")


def expand(prk, info, length):
    out = block = b""
    for counter in range(1, 1 + -(-length // 32)):
        block = mac(prk, block, info, bytes([counter]))
        out += block
    return out[:length]


def decrypt(key, nonce, aad, ciphertext, what):
    try:
        return xchacha_open(ciphertext, aad, nonce, key)
    except nacl.exceptions.CryptoError:
        raise Refused(f"{what} does not authenticate") from None


def link(chain, seq, data): return sha256(domain(8) + chain + u64(seq) + data)
def state_digest(header, box): return sha256(domain(12) + header + box)
def checkpoint(digest, head): return sha256(domain(10) + digest + head)


# Credentials.

def crockford(text):
    """The bits of the digits as a number, and how many they are."""
    digits = text.upper().translate(str.maketrans("OIL", "011"))
    require(set(digits) <= set(CROCKFORD), "a character is none of Crockford's")
    return sum(CROCKFORD.index(d) << 5 * i for i, d in enumerate(reversed(digits))), 5 * len(digits)


def one_line(text):
    return text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")


def keyfile_secret(text):
    require(text.startswith("SRMKEY1-"), "not a keyfile")
    number, bits = crockford(one_line(text).removeprefix("SRMKEY1-"))
    require(bits == 290 and number & 3 == 0, "a keyfile has 58 characters and ends in zero bits")
    data = (number >> 2).to_bytes(36, "big")
    require(sha256(data[:32])[:4] == data[32:], "the keyfile was copied wrong")
    return data[:32]


def crc12(data):
    remainder = 0
    for bit in (byte >> shift & 1 for byte in data for shift in range(7, -1, -1)):
        remainder = remainder << 1 ^ (0x80F if bit ^ remainder >> 11 else 0)
        remainder &= 0xFFF
    return remainder


def recovery_secret(text):
    number, bits = crockford("".join(text.replace("-", "").split()))
    require(bits == 140, "a recovery code has 28 characters")
    random = (number >> 12).to_bytes(16, "big")
    require(crc12(random) == number & 0xFFF, "the recovery code was copied wrong")
    return mac(b"srm1/recovery", random)


# Default_Ignorable_Code_Point, by first and last.
UNSEEN = [int(code, 16) for code in (
    "AD AD 34F 34F 61C 61C 115F 1160 17B4 17B5 180B 180F 200B 200F 202A 202E 2060 206F 3164 3164 "
    "FE00 FE0F FEFF FEFF FFA0 FFA0 FFF0 FFF8 1BCA0 1BCA3 1D173 1D17A E0000 E0FFF").split()]


def is_unseen(code):
    ranges = zip(UNSEEN[::2], UNSEEN[1::2])
    noncharacter = 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
    return noncharacter or any(first <= code <= last for first, last in ranges)


def normal_passphrase(text):
    require(not any(is_unseen(ord(c)) for c in text), "characters that are not seen")
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text)
    require(all(unicodedata.category(c) != "Cc" for c in spaced), "control characters")
    data = unicodedata.normalize("NFC", spaced).encode()
    require(1 <= len(data) <= 1024, "a passphrase has 1 to 1024 bytes")
    return data


# Keys and boxes.

def slot_key(vault_id, body, passphrase, secret):
    """The key that wraps the master key; requires that the credential is the slot's."""
    m, t, p = struct.unpack(">III", body[4:16])
    stretched = bytes(32)
    if passphrase is not None:
        bounds = 19 << 10 <= m <= 4 << 20 and 2 <= t <= 32 and 1 <= p <= 16 and m * t <= 16 << 20
        require(bounds, f"m={m} t={t} p={p} is not accepted")
        stretched = hash_secret_raw(passphrase, body[32:64], t, m, p, 32, Type.ID, 0x13)
    prk = mac(body[32:64], stretched, secret or bytes(32))
    okm = expand(prk, b"srm1/slot" + vault_id + body[:64], 64)
    require(hmac.compare_digest(okm[32:], body[64:96]), "wrong credential, or an altered slot")
    return okm[:32]


def master_key(vault_id, slots, passphrase, secret, kind):
    """Tries the credential on every slot of its kind."""
    refusal = Refused("no slot for this kind of credential")
    derives = kind in (PASSPHRASE, BOTH)
    for number, body in sorted(slots.items()):
        if len(body) != 168 or body[:4] != bytes([1, kind, derives, 0]):
            continue
        require(derives or body[4:16] == bytes(12), f"slot {number} was altered")
        try:
            key = slot_key(vault_id, body, passphrase, secret)
        except Refused as refused:
            refusal = refused
            continue
        aad = domain(5) + vault_id + body[:96]
        return decrypt(key, body[96:120], aad, body[120:], f"slot {number}")
    raise refusal


def subkeys(master, vault_id):
    prk = mac(vault_id, master)
    keys = {name: expand(prk, b"srm1/key/" + name.encode(), 32) for name in SUBKEYS}
    return keys, expand(prk, b"srm1/mk-commit", 32)


def padme(length):
    if length <= 256:
        return 256
    exponent = length.bit_length() - 1
    step = 1 << exponent - exponent.bit_length()
    return -(-length // step) * step


def open_box(key, aad, box, what):
    require(len(box) >= 24 + 256 + 16, f"{what} is too short")
    padded = decrypt(key, box[:24], aad, box[24:], what)
    length = int.from_bytes(padded[:4], "big")
    require(len(padded) == padme(4 + length), f"{what} has a wrong length")
    require(not any(padded[4 + length:]), f"{what} has a wrong padding")
    return padded[4:4 + length]


def decode(data, what):
    """A CBOR map. That it encodes to the same bytes shows that no key stands twice or misplaced."""
    item = cbor2.loads(data)
    require(isinstance(item, dict), f"{what} is not a map")
    require(cbor2.dumps(item, canonical=True) == data, f"{what} is not deterministic CBOR")
    return item


def children(bitmap, digests, what):
    present = [i for i in range(64) if bitmap >> i & 1]
    require(len(digests) == 32 * len(present), f"{what} has a wrong length")
    return {i: digests[32 * n:32 * n + 32] for n, i in enumerate(present)}


# Replicas in other accounts.

def account_of(arn): return arn.split(":")[4]


def in_sync(replica): return replica[5] == [replica[4]]


def waits(record):
    """Whether the replica in another account has to be told something."""
    replica = record.get(21)
    return replica is not None and (replica[3] == 1 or replica[3] == 0 and not in_sync(replica))


def check_across(record):
    """What a record says of another account is whole, and beside nothing that it cannot be with."""
    name, replica, primary = record[1], record.get(21), record.get(22)
    if replica is not None:
        require(not {19, 22} & record.keys(), f"{name} is a replica with a replica")
        require(replica.keys() >= {0, 3, 4, 5}, f"the replica of {name} lacks a member")
        codes = replica.get(2, 0) <= 1 and replica[3] <= 2 and replica.get(6, 0) <= 14
        editions = len(replica[5]) <= 64 and max(replica[5] + [replica[4]]) < 1 << 62
        require(codes and editions, f"the replica of {name}")
    if primary is not None:
        require(not {17, 19} & record.keys(), f"{name} follows two, or is followed")
        require(0 in primary and primary.get(1, 0) < 1 << 62, f"the primary of {name}")
        require(primary.get(2, 1) == 1, f"the primary of {name}")


# Access keys.

KEY_SCOPE = "access/key"


def check_key(record):
    """A record is an access key where it has the keys' scope, and then it is nothing else."""
    name, key = record[1], record.get(24)
    require((record[0] == KEY_SCOPE) == (key is not None), f"{name} is half an access key")
    if key is None:
        return
    base32 = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    require(name[:4] == "AKIA" and len(name) == 20 and set(name[4:]) <= base32, f"the id {name}")
    known = {0, 1, 2, 5, 6, 7, 11, 13, 24}
    require(not (record.keys() - known) & set(range(25)), f"{name} has what a secret has")
    require(record[2] == "" and record[13] == [], f"{name} has what a secret has")
    require(key.keys() >= {0, 1, 2} and key[2] in (0, 1), f"{name} lacks a member")
    base64 = base32 | set("abcdefghijklmnopqrstuvwxyz0123456789+/")
    require(len(key[0]) == 40 and set(key[0]) <= base64, f"the secret of {name}")
    rights = key[1]
    require(rights.keys() >= {0, 6} and rights[6] in (0, 1), f"the rights of {name}")
    for member in {3, 4, 5, 7, 9, 10} & rights.keys():
        whole = rights[member] and all(isinstance(text, str) for text in rights[member])
        require(whole, f"the rights of {name}: {member}")


# The vault.

class Vault:
    """Everything in a vault, verified."""

    def __init__(self, path, passphrase=None, secret=None, kind=None):
        self.read(path)
        require(len(self.public) == 72 and self.public[:8] == b"STRGROM1", "not a vault")
        numbers = struct.unpack(">HHHH", self.public[8:16])
        require(max(numbers[:3]) <= 1, "a later format")
        require(numbers == (1, 1, 1, 0) and self.public[68:] == bytes(4), "not a vault")
        self.id = self.public[16:32]
        master = master_key(self.id, self.rows["slot"], passphrase, secret, kind)
        self.keys, commit = subkeys(master, self.id)
        require(commit == self.public[32:64], "the master key is not this vault's")
        data = open_box(self.keys["state"], domain(1) + self.public, self.box, "the state")
        self.state = decode(data, "the state")
        require(self.state[17] <= 1, "a later format")
        slots = {slot[0]: slot[1] for slot in self.state[13]}
        require(slots == {n: sha256(body) for n, body in self.rows["slot"].items()}, "the slots")
        self.secrets = {}
        self.access_keys = {}
        self.values = {}
        self.check_records(self.check_tree())
        self.check_peers()
        ids = self.state.get(19, [])
        in_order = ids == sorted(self.access_keys) and len(ids) <= 128
        require(in_order, "the access keys are not those of the state")
        self.check_log()
        sizes = [len(value) - 1 for value in self.values.values()]
        counts = (len(self.secrets), len(sizes), sum(sizes))
        require(counts == (self.state[4], self.state[5], self.state[6]), "the counts")

    def read(self, path):
        """Reads all rows in one transaction, once the schema is known to be a vault's."""
        uri = pathlib.Path(path).absolute().as_uri() + "?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
            db.execute("BEGIN")
            [application] = db.execute("PRAGMA application_id").fetchone()
            [layout] = db.execute("PRAGMA user_version").fetchone()
            require(application == 0x53524D31 and layout >= 1, "not a vault")
            require(layout == 1, "a later format")
            columns = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid"
            tables = [sql.split()[2].split("(")[0] for sql in SCHEMA]
            expected = [("table", name, name, sql) for name, sql in zip(tables, SCHEMA)]
            require(db.execute(columns).fetchall() == expected, "the schema was altered")
            vault = db.execute("SELECT public, state FROM vault").fetchall()
            self.rows = {name: dict(db.execute(f"SELECT * FROM {name}")) for name in tables[1:]}
        require(len(vault) == 1, "there is not one state")
        self.public, self.box = vault[0]

    def check_tree(self):
        """The entries that the state vouches for: row key to name hash and pin."""
        key, nodes, buckets = self.keys["tree"], self.rows["node"], self.rows["bucket"]
        root = children(self.state[7], self.state[8], "the root")
        require(root.keys() == nodes.keys(), "a node is missing or was added")
        expected = {}
        for n, body in nodes.items():
            require(mac(key, domain(7), u16(n), body) == root[n], f"node {n} was altered")
            bitmap = int.from_bytes(body[:8], "big")
            require(bitmap != 0, f"node {n} is empty")
            for i, digest in children(bitmap, body[8:], f"node {n}").items():
                expected[64 * n + i] = digest
        require(expected.keys() == buckets.keys(), "a bucket is missing or was added")
        entries = {}
        for b, body in buckets.items():
            require(mac(key, domain(6), u16(b), body) == expected[b], f"bucket {b} was altered")
            require(body and len(body) % 56 == 0, f"bucket {b} has a wrong length")
            cut = [body[i:i + 56] for i in range(0, len(body), 56)]
            hashes = [entry[:16] for entry in cut]
            require(all(a < b for a, b in zip(hashes, hashes[1:])), f"bucket {b} is not sorted")
            require(all(int.from_bytes(h[:2], "big") >> 4 == b for h in hashes), f"bucket {b}")
            entries |= {int.from_bytes(e[16:24], "big"): (e[:16], e[24:]) for e in cut}
        return entries

    def check_records(self, entries):
        require(entries.keys() == self.rows["secret"].keys(), "a record is missing or was added")
        expected = set()
        for rid, box in self.rows["secret"].items():
            name_hash, pin = entries[rid]
            require(sha256(box) == pin, f"record {rid:016x} is not the one in the tree")
            aad = domain(2) + self.id + u64(rid)
            data = open_box(self.keys["secret"], aad, box, f"record {rid:016x}")
            record = decode(data, f"record {rid:016x}")
            scope, name = record[0].encode(), record[1].encode()
            computed = mac(self.keys["name"], u16(len(scope)), scope, name)[:16]
            require(computed == name_hash, f"{record[1]} stands in the place of another")
            require((9 in record) == (10 in record), f"{record[1]} is half deleted")
            former = record.get(23, [])
            names = len(set(former)) == len(former) and all(isinstance(n, str) for n in former)
            require(names and len(former) <= 10, f"the former names of {record[1]}")
            check_across(record)
            check_key(record)
            if 24 in record:
                self.access_keys[record[1]] = record
                continue
            self.secrets[record[0], record[1]] = record
            for version in record[13]:
                filled = {1, 2, 5, 6} & version.keys()
                require(len(filled) in (0, 4), f"a version of {record[1]} is half filled")
                if filled:
                    expected.add(version[1])
                    value = self.open_value(rid, record, version)
                    self.values[record[0], record[1], version[0]] = value
        require(expected == self.rows["value"].keys(), "a value is missing or was added")

    def check_peers(self):
        """The peers are each there once, and what waits for each is what the records say."""
        peers = {peer[1]: peer for peer in self.state.get(18, [])}
        accounts = [peer[1] for peer in self.state.get(18, [])]
        require(accounts == sorted(peers) and len(peers) <= 64, "the peers are not in order")
        for account, peer in peers.items():
            require(peer.keys() >= set(range(7)), f"the peer of {account} lacks a member")
            whole = 1 <= len(peer[0].encode()) <= 64 and len(peer[2]) <= 4096
            sizes = (len(peer[3]), len(peer[5])) == (16, 16) and max(peer[4], peer[6]) < 1 << 62
            digits = len(account) == 12 and account.isascii() and account.isdigit()
            require(whole and sizes and digits, f"the peer of {account}")
            waiting = [r for r in self.secrets.values() if waits(r) and account_of(r[21][0]) == account]
            require(len(waiting) == peer[6], f"what waits for the peer of {account}")

    def open_value(self, rid, record, version):
        vid, version_id, what = version[1], version[0].encode(), f"a value of {record[1]}"
        box = self.rows["value"].get(vid)
        require(box is not None and sha256(box) == version[2], f"{what} is not the one expected")
        aad = domain(3) + self.id + u64(rid) + u64(vid) + u32(len(version_id)) + version_id
        value = open_box(self.keys["value"], aad, box, what)
        require(value[0] == version[5] <= 1 and len(value) - 1 == version[6] <= 65536, what)
        if version[5] == 0:
            value.decode()
        return value

    def check_log(self):
        first, following, chain = self.state[9], self.state[10], self.state[11]
        rows, self.events, self.chain = self.rows["audit"], [], {first: chain}
        require(sorted(rows) == list(range(first, following)), "audit entries are missing")
        for seq in range(first, following):
            data = self.open_event(seq, rows[seq])
            self.events.append(decode(data, f"audit entry {seq}"))
            self.check_trace(seq, self.events[-1].get(15, {}))
            self.chain[seq + 1] = chain = link(chain, seq, data)
        require(chain == self.state[12], "the audit log was altered")
        self.digest = state_digest(self.public, self.box)
        self.check_commits()

    def check_trace(self, seq, trace):
        """What a change did: labels, and marks that have one of few values."""
        labels = [label[0] for label in trace.get(0, [])]
        require(len(set(labels)) == len(labels), f"audit entry {seq} moves a label twice")
        marks = trace.get(1, 0) in (0, 1) and trace.get(3, 0) in (0, 1) and trace.get(4, 1) == 1
        require(marks and trace.get(5, -1) < seq, f"audit entry {seq} says what cannot be")

    def open_event(self, seq, box):
        aad = domain(4) + self.id + u64(seq)
        return open_box(self.keys["audit"], aad, box, f"audit entry {seq}")

    def read_archive(self, data):
        """The entries of an archive of this vault's log, and whether the vault's own joins them."""
        whole = len(data) >= 112 and data[:12] == b"SRMAUDIT" + u32(1)
        require(whole, "not an archive")
        epoch, = struct.unpack(">I", data[12:16])
        require(data[16:32] == self.id, "an archive of another vault")
        require(u32(epoch) == self.public[64:68], "an archive from before or after a rekey")
        first, count = struct.unpack(">QQ", data[32:48])
        chain, head, rest = data[48:80], data[80:112], data[112:]
        events, chains = [], {first: chain}
        for seq in range(first, first + count):
            length = int.from_bytes(rest[:4], "big")
            require(len(rest) >= 4 + length, "the archive is cut short")
            box, rest = rest[4:4 + length], rest[4 + length:]
            entry = self.open_event(seq, box)
            events.append(decode(entry, f"audit entry {seq}"))
            chains[seq + 1] = chain = link(chain, seq, entry)
        require(chain == head and not rest, "the archive does not end as it says")
        meeting = min(first + count, self.state[10])
        ours, theirs = self.chain.get(meeting), chains.get(meeting)
        if ours is None or theirs is None:
            return events, False
        require(ours == theirs, "the archive contradicts the vault")
        return events, True

    def check_commits(self):
        """The first entry of a commit, and no other, says on what state it was made."""
        before = None
        for event in self.events:
            if before is not None and event[11] == before[11]:
                require(14 not in event and event[10] == before[10], "an entry in a commit")
            elif before is not None:
                require(len(event.get(14, b"")) == 32, "the first entry of a commit")
                require(event[10] > before[10], "generations go back")
            before = event
        if before is not None:
            require((before[10], before[11]) == (self.state[0], self.state[1]), "the last commit")

    def checkpoint(self):
        return self.state[0], checkpoint(self.digest, self.state[12])

    def holds(self, generation, code):
        """Whether the vault is in the state of a checkpoint, or proves that it came out of it."""
        if generation >= self.state[0]:
            return (generation, code) == self.checkpoint()
        for seq, event in enumerate(self.events, self.state[9]):
            if event[10] > generation:
                return 14 in event and checkpoint(event[14], self.chain[seq]) == code
        return False

    def find(self, name, scope=None):
        found = [r for (s, n), r in self.secrets.items() if n == name and scope in (None, s)]
        require(len(found) == 1, f"there are {len(found)} secrets named {name}")
        return found[0]

    def value(self, record, wanted):
        """Kind and bytes of the version that has this id or label."""
        found = [v[0] for v in record[13] if wanted == v[0] or wanted in v[4]]
        require(len(found) == 1, f"{record[1]} has no version {wanted}")
        value = self.values.get((record[0], record[1], found[0]))
        require(value is not None, f"version {wanted} of {record[1]} has no value yet")
        return value[0], value[1:]


def unlock(path, passphrase=None, keyfile=None, recovery_code=None):
    """Opens a vault with the texts of one or two credentials."""
    if recovery_code is not None:
        return Vault(path, None, recovery_secret(recovery_code), RECOVERY)
    secret = None if keyfile is None else keyfile_secret(keyfile)
    if passphrase is None:
        return Vault(path, None, secret, KEYFILE)
    kind = PASSPHRASE if secret is None else BOTH
    return Vault(path, normal_passphrase(passphrase), secret, kind)


def main():
    if len(sys.argv) == 1:
        import golden
        return golden.main()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vault")
    for option in ("--passphrase-file", "--keyfile", "--recovery-code-file"):
        parser.add_argument(option, type=lambda path: pathlib.Path(path).read_bytes().decode())
    parser.add_argument("--get", metavar="NAME")
    parser.add_argument("--version", metavar="ID-OR-LABEL", default="AWSCURRENT")
    parser.add_argument("--archive", metavar="FILE")
    options = parser.parse_args()
    passphrase = options.passphrase_file
    if passphrase is not None:
        passphrase = one_line(passphrase.removeprefix("\ufeff"))
    vault = unlock(options.vault, passphrase, options.keyfile, options.recovery_code_file)
    if options.get is not None:
        return sys.stdout.buffer.write(vault.value(vault.find(options.get), options.version)[1])
    if options.archive is not None:
        events, joins = vault.read_archive(pathlib.Path(options.archive).read_bytes())
        print(f"{len(events)} entries; the vault's log {'joins them' if joins else 'begins later'}")
        return [print(event[0], event[1], event[2], event.get(4, ""), sep="\t") for event in events]
    print(f"generation {vault.state[0]}, {len(vault.events)} audit entries, {vault.state[16]}")
    for scope, name in sorted(vault.secrets):
        record = vault.secrets[scope, name]
        labels = [f"{version[0]} {','.join(version[4])}".strip() for version in record[13]]
        print(f"{scope} {name}", "deleted" if 10 in record else "", *labels, sep="\t")
    for name, record in sorted(vault.access_keys.items()):
        print(f"access key {name}", record[24][1][0], ("Active", "Inactive")[record[24][2]], sep="\t")


if __name__ == "__main__":
    try:
        main()
    except (Exception, KeyboardInterrupt) as error:
        sys.exit(f"refused: {error!r}")
