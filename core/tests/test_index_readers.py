"""LangChain and LlamaIndex read the index with their stock integrations, in the environment of the examples."""

import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test.utils import override_settings

from core.search.sync import sync
from tests.support.doc_examples import ROOT
from tests.support.fake_source import FakeSource
from tests.support.pinecone_twin import Twin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.twin, pytest.mark.slow]
EXAMPLES = ROOT / "examples"
NAMESPACE = "prod-pinecone-multilingual-e5-large-1024"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of a new environment with the requirements of the examples."""
    folder = tmp_path_factory.mktemp("examples")
    venv.create(folder, with_pip=True)
    interpreter = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    install = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
    done = subprocess.run([*install, EXAMPLES / "requirements.txt"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return interpreter


@pytest.fixture
def filled(twin: Twin) -> Iterator[Twin]:
    """Fill an index with two documents, and yield the server."""
    here = {"VECTOR_INDEX": "pinecone", "PINECONE_HOST": twin.url, "PINECONE_API_KEY": "a-key-of-tests"}
    with override_settings(**here, PINECONE_NAMESPACE="prod", EMBEDDER="pinecone", EMBEDDING_MODEL=""):
        sync([FakeSource(boat="The ferry leaves the harbour at noon", tide="High water comes at six")])
        yield twin


@pytest.mark.parametrize("script", ["read_with_langchain.py", "read_with_llamaindex.py"])
def test_a_stock_integration_reads_texts_and_metadata(script: str, python: Path, filled: Twin) -> None:
    environment = os.environ | {"PINECONE_API_KEY": "a-key-of-tests", "PINECONE_CONTROLLER_HOST": filled.url}
    command = [python, EXAMPLES / script, filled.host(), NAMESPACE, "The ferry leaves the harbour at noon"]
    done = subprocess.run([*command, "--state", "open"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, text, *_ = done.stdout.splitlines()
    assert "boat: note by ada, https://example.org" in first
    assert text.strip() == "The ferry leaves the harbour at noon"
    done = subprocess.run([*command, "--state", "merged"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
