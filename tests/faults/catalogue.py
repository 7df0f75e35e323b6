"""The faults, as data: what the server does, and what must come of it. `docs/faults.md` is made from this."""

from __future__ import annotations

import datetime
import email.utils
import functools
import gzip
import itertools
import pathlib
import ssl
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from llmclient.deadline import Timeout
from tests.faults.certificates import certificate, lone_certificate
from tests.faults.play import CALM, Case, End, Fault
from tests.faults.wires import LEFT, TEXT, Wire, dump
from tests.wireserver import Peer, Step, Steps, authority, chunked, close, drip, half_close, http_response, reset, server_context, stall
