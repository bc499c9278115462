"""What reader.py must make of the files in v1/: the vectors of docs/format.md, and vaults that the
program wrote. A vault that was changed in any row must be refused.
"""

import hashlib
import json
import pathlib
import sqlite3
import tempfile

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as encrypt

import reader
from reader import domain, mac, u16, u32, u64

HERE = pathlib.Path(__file__).parent / "v1"


def counting(first, length):
    return bytes(range(first, first + length))


def box(key, aad, data, nonce):
    plain = u32(len(data)) + data
    return nonce + encrypt(plain + bytes(reader.padme(len(plain)) - len(plain)), aad, nonce, key)


def vectors():
    """Computes every vector from the inputs that the page names."""
    master, vault_id, nonce = counting(0, 32), counting(0x20, 16), counting(0x60, 24)
    keys, commit = reader.subkeys(master, vault_id)
    out = {f"K_{name}": key for name, key in keys.items()} | {"mk_commit": commit}

    passphrase = reader.normal_passphrase("correct horse battery staple")
    head = bytes([1, 1, 1, 0]) + u32(65536) + u32(3) + u32(4)
    head += counting(0x50, 16) + counting(0x30, 32)
    stretched = reader.hash_secret_raw(
        passphrase, head[32:64], 3, 65536, 4, 32, reader.Type.ID, 0x13)
    okm = reader.expand(mac(head[32:64], stretched, bytes(32)), b"srm1/slot" + vault_id + head, 64)
    wrapped = encrypt(master, domain(5) + vault_id + head + okm[32:], nonce, okm[:32])
    out |= {"A": stretched, "slot key": okm[:32], "slot commit": okm[32:], "wrapped key": wrapped}
    out["slot body"] = head + okm[32:] + nonce + wrapped
    found = reader.master_key(vault_id, {0: out["slot body"]}, passphrase, None, reader.PASSPHRASE)
    reader.require(found == master, "the slot does not open")

    scope, name = b"000000000000/us-east-1", b"prod/db/password"
    rid, vid = 0x0102030405060708, 0x1112131415161718
    version_id = b"11111111-2222-4333-8444-555555555555"
    name_hash = mac(keys["name"], u16(len(scope)), scope, name)[:16]
    bucket = int.from_bytes(name_hash[:2], "big") >> 4
    aad = domain(3) + vault_id + u64(rid) + u64(vid) + u32(len(version_id)) + version_id
    value = box(keys["value"], aad, b"\0hunter2", nonce)
    pin = reader.sha256(value)
    digest = mac(keys["tree"], domain(6), u16(bucket), name_hash, u64(rid), pin)
    node = mac(keys["tree"], domain(7), u16(bucket >> 6), u64(1 << bucket % 64), digest)
    out |= {"nh": name_hash, "bucket": str(bucket), "value box": value, "pin": pin}
    out |= {"bucket digest": digest, "node": str(bucket >> 6), "node digest": node}

    generation, commit_id = 42, counting(0x80, 16)
    out["anchor"] = u64(generation) + commit_id
    out["anchor"] += mac(keys["anchor"], domain(9), u64(generation), commit_id)

    actor = {0: 1000, 1: "ada", 2: 2, 3: 1, 4: "/bin/strongroom", 5: "/dev/pts/0", 6: "host"}
    event = {0: 1767225600000, 1: "Init", 2: "Success", 7: actor, 8: "direct", 10: 1, 11: commit_id}
    out["event"] = reader.cbor2.dumps(event, canonical=True)
    out["audit chain"] = reader.link(bytes(32), 0, out["event"])
    out["header"] = b"STRGROM1" + u16(1) * 3 + u16(0) + vault_id + commit + bytes(8)
    out["state digest"] = reader.state_digest(out["header"], value)
    code = reader.checkpoint(out["state digest"], out["audit chain"])
    out["checkpoint"] = f"{generation}:{grouped(code)}"

    secret = counting(0x90, 32)
    out["keyfile"] = "SRMKEY1-" + crockford(secret + hashlib.sha256(secret).digest()[:4])
    reader.require(reader.keyfile_secret(out["keyfile"] + "\n") == secret, "the keyfile")
    random = counting(0x10, 16)
    digits = crockford(random + u16(reader.crc12(random) << 4))[:28]
    out["recovery code"] = "-".join(digits[i:i + 4] for i in range(0, 28, 4))
    out["recovery F"] = reader.recovery_secret(out["recovery code"])
    typed = "nai\u0308ve\u2003caf\u00e9\u00a0\u1100\u1161"
    out["passphrase"] = reader.normal_passphrase(typed)
    sizes = [1, 256, 257, 300, 512, 513, 1000, 4100, 65541, 16777217]
    out["padme"] = " ".join(f"{size}:{reader.padme(size)}" for size in sizes)
    return {name: v.hex() if isinstance(v, bytes) else v for name, v in out.items()}


def crockford(data):
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return "".join(reader.CROCKFORD[int(bits[i:i + 5], 2)] for i in range(0, len(bits), 5))


def grouped(code):
    digits = crockford(code)
    return "-".join(digits[i:i + 4] for i in range(0, len(digits), 4))


def check_vault(path, expected):
    """Every credential opens the vault, and it holds exactly what is expected."""
    for credential in expected["credentials"]:
        vault = reader.unlock(path, **credential)
    found = {f"{scope} {name}": record for (scope, name), record in vault.secrets.items()}
    reader.require(found.keys() == expected["secrets"].keys(), f"{path}: {sorted(found)}")
    for name, secret in expected["secrets"].items():
        record = found[name]
        for key, member in ((3, "description"), (4, "kms_key_id"), (15, "policy")):
            reader.require(record.get(key) == secret.get(member), f"{name}: {member}")
        reader.require(record.get(12) == secret.get("tags"), f"{name}: tags")
        reader.require((9 in record) == secret.get("deleted", False), f"{name}: deleted")
        check_across(name, record, secret)
        versions = {v[0]: {"labels": sorted(v[4])} | read(vault, record, v) for v in record[13]}
        reader.require(versions == secret["versions"], f"{name}: versions")
    members = {"name": 0, "account": 1, "path": 2, "vault_id": 3, "generation": 4, "waiting": 6}
    peers = [named(members, peer) for peer in vault.state.get(18, [])]
    reader.require(peers == expected.get("peers", []), f"{path}: its peers")
    check_keys(path, vault.access_keys, expected.get("access_keys", {}))
    events = [f"{event[1]}: {event[2]}" for event in vault.events]
    reader.require(events == expected["events"], f"{path}: {events}")


def check_across(name, record, secret):
    """What a record says of another account's is what was written; both name one edition."""
    replica = named({"arn": 0, "role_arn": 1, "restriction": 2, "bond": 3, "edition": 4, "held": 5,
                     "trouble": 6}, record.get(21))
    primary = named({"arn": 0, "edition": 1, "detached": 2}, record.get(22))
    for found, member in ((replica, "cross_replica"), (primary, "cross_primary")):
        expected = dict(secret[member]) if member in secret else None
        status = expected.pop("status") if expected else None
        reader.require(found == expected, f"{name}: {member}")
        if member == "cross_replica" and found:
            shown = found["bond"] == 0 and reader.in_sync(record[21])
            reader.require((status == "InSync") == shown, f"{name}: status")


def check_keys(path, found, expected):
    """The access keys are those that were made, with all that was said of them."""
    rights = {"user_name": 0, "path": 1, "region": 2, "operations": 3, "secrets": 4, "tags": 5,
              "read_only": 6, "policies": 7, "boundary": 8, "session_policies": 9,
              "principal_tags": 10}
    members = {"secret": 0, "status": 2, "until": 3}
    shown = {name: named(members, record[24]) | {"rights": named(rights, record[24][1])}
             for name, record in found.items()}
    reader.require(shown == expected, f"{path}: its access keys: {shown}")


def named(members, found):
    """A map by the names of its members, bytes in hexadecimal or, of a path, as text."""
    if found is None:
        return None
    def shown(name):
        value = found[members[name]]
        if name == "path" and isinstance(value, bytes):
            return value.decode()
        return value.hex() if isinstance(value, bytes) else value
    return {name: shown(name) for name in members if members[name] in found}


def check_archive(path, archive, expected):
    """The archive has the vault's own entries, and no byte of it can be changed."""
    vault = reader.unlock(path, **expected["credentials"][0])
    data = archive.read_bytes()
    reader.require(vault.read_archive(data) == (vault.events, True), f"{archive}: its entries")
    for place in range(len(data)):
        for altered in (data[:place], data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]):
            try:
                vault.read_archive(altered)
            except reader.Refused:
                continue
            raise reader.Refused(f"{archive}: not refused, byte {place}")


def read(vault, record, version):
    kind, data = vault.value(record, version[0])
    if kind == 0 and len(data) < 100:
        return {"text": data.decode()}
    digest = hashlib.sha256(data).hexdigest()
    return {("text", "binary")[kind] + "_sha256": digest, "length": len(data)}


def alterations(path):
    """Every way in which one row, or the schema, can be changed by hand."""
    yield from ("PRAGMA user_version = 2", "PRAGMA application_id = 1", "DELETE FROM vault")
    yield from ("CREATE TABLE extra (a)", "CREATE INDEX extra ON secret(box)", "DROP TABLE audit")
    yield from (f"UPDATE vault SET public = flip(public, {n})" for n in (0, 9, 16, 40, 67, 71))
    yield from (f"UPDATE vault SET state = flip(state, {n})" for n in (0, 24, -1))
    db = sqlite3.connect(path)
    for table in ("slot", "node", "bucket", "secret", "value", "audit"):
        key, blob = (column[1] for column in db.execute(f"PRAGMA table_info({table})"))
        keys = [row[0] for row in db.execute(f"SELECT {key} FROM {table} ORDER BY {key}")]
        for this, other in zip(keys, keys[1:] + keys[:1]):
            yield f"DELETE FROM {table} WHERE {key} = {this}"
            longer = f"CAST({blob} || x'00' AS BLOB)"
            for change in (f"flip({blob}, 0)", f"flip({blob}, -1)", longer, "x''"):
                yield f"UPDATE {table} SET {blob} = {change} WHERE {key} = {this}"
            if this != other:
                found = f"(SELECT {blob} FROM {table} WHERE {key} = {other})"
                yield f"UPDATE {table} SET {blob} = {found} WHERE {key} = {this}"
        free = next(number for number in range(1, 99) if number not in keys)
        yield f"INSERT INTO {table} SELECT {free}, {blob} FROM {table} LIMIT 1"
    db.close()


def flip(blob, place):
    altered = bytearray(blob)
    altered[place] ^= 1
    return bytes(altered)


def check_refusals(path, credential):
    """Changes a vault in every way that rows can be changed; each change must be refused."""
    count = 0
    with tempfile.TemporaryDirectory() as directory:
        for change in alterations(path):
            altered = pathlib.Path(directory) / "vault"
            altered.write_bytes(path.read_bytes())
            db = sqlite3.connect(altered)
            db.create_function("flip", 2, flip)
            db.execute(change)
            db.commit()
            db.close()
            count += 1
            try:
                reader.unlock(altered, **credential)
            except reader.Refused:
                continue
            raise reader.Refused(f"not refused: {change}")
    return count


def main():
    known = json.loads((HERE / "vectors.json").read_text())
    computed = vectors()
    for name in known.keys() | computed.keys():
        reader.require(known.get(name) == computed.get(name), f"vector {name}")
    print(f"{len(known)} vectors")
    vaults = json.loads((HERE / "vaults.json").read_text())
    files = sorted(path.name for path in HERE.glob("*.vault"))
    reader.require(files == sorted(vaults), f"v1/ holds {files}")
    for name, expected in vaults.items():
        check_vault(HERE / name, expected)
        print(f"{name}: {len(expected['secrets'])} secrets")
        archive = HERE / name.replace(".vault", ".archive")
        if archive.exists():
            check_archive(HERE / name, archive, expected)
            print(f"{archive.name}: as the log of {name}")
        if "keyfile" in expected["credentials"][0] and len(expected["credentials"][0]) == 1:
            refused = check_refusals(HERE / name, expected["credentials"][0])
            print(f"{name}: {refused} alterations refused")
