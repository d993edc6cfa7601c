"""Schemas are compiled as they are adapted, or not at all, whatever other threads parse meanwhile."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own: the loader of files that libxml2 has for all threads is as at the start of a program.
COMPILED_WHILE_A_PARSE_ENDS = """
import threading
from lxml import etree
from connectors.uwlr import validator

begun, may_end = threading.Event(), threading.Event()

class Slow:
    parts = [b"<a>", b"</a>", b""]
    def read(self, size):
        if len(self.parts) < 3:
            begun.set()
            may_end.wait()
        return self.parts.pop(0)

parse = threading.Thread(target=etree.parse, args=(Slow(),))
parse.start()
begun.wait()
resolve = validator._OurSchemas.resolve

def late(self, *of):  # the parse ends when the first part of the schema is read, and takes the loader away
    may_end.set()
    parse.join()
    return resolve(self, *of)

validator._OurSchemas.resolve = late
schema = validator.schema("entry_results.xsd")
assert parse.ident and not parse.is_alive()
assert not [entry for entry in schema.error_log if entry.type_name in validator._MISSED]
"""


def test_a_schema_is_whole_though_a_parse_in_another_thread_ends_meanwhile() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMPILED_WHILE_A_PARSE_ENDS], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
