"""Documents, chunks, and the ledger of the contents of each index.

The texts of chunks are stored here for every kind of index. Text search and results need the texts, and a new index can
be filled from them.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models.functions import MD5, Cast, Concat
from pgvector.django import HalfVectorField

from core.models.scopes import Scope


def words_without_stem() -> models.Func:
    """Return the words of a chunk that ``tsv`` does not contain, without positions.

    Most words equal their stem, so both columns would contain these words. A query must look for a word in both.
    """
    stems = models.Func(SearchVector("text", config="english"), function="tsvector_to_array")
    exact = SearchVector("text", "words", config="simple")
    return models.Func(models.Func(exact, stems, function="ts_delete"), function="strip")


class Document(models.Model):
    """A unit of search: an issue with its comments, a pull request, a commit or a conversation.

    ``version`` is increased in the transaction that changes the document's source rows. Index entries with an older
    version are outdated. A tombstone (``deleted_at``) stays until no index contains the document.
    """

    source_system = models.CharField(max_length=32)
    external_id = models.CharField(max_length=200)
    # core.search.documents.document_key computes the same value. Lookups by external id use the index of this column.
    key = models.GeneratedField(
        expression=Cast(MD5(Concat("source_system", models.Value(" "), "external_id")), models.UUIDField()),
        output_field=models.UUIDField(),
        db_persist=True,
    )
    kind = models.CharField(max_length=32)
    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, related_name="documents", db_index=False)
    version = models.PositiveBigIntegerField(default=1)
    deleted_at = models.DateTimeField(null=True, blank=True)
    # The sync fills these fields, so that search results and the admin do not need the tracker.
    title = models.CharField(max_length=300, blank=True)
    url = models.URLField(max_length=1000, blank=True)
    author = models.CharField(max_length=200, blank=True)
    occurred_at = models.DateTimeField(null=True, blank=True)
    number = models.CharField(max_length=50, blank=True, db_default="", help_text="Number in the source, such as 312.")
    state = models.CharField(max_length=32, blank=True, db_default="", help_text="open, closed, merged or empty.")
    answered = models.BooleanField(
        null=True, blank=True, help_text="Whether the question has an answer. Empty if it is not a question."
    )
    labels = ArrayField(models.TextField(), default=list, blank=True, db_default=[])
    private = models.BooleanField(default=False, db_default=False, help_text="Whether only some people may read it.")
    language = models.CharField(
        max_length=2, blank=True, db_default="", help_text="ISO 639-1 code. Empty if the language is unknown."
    )
    changed_at = models.DateTimeField(
        null=True, blank=True, help_text="Last change in the source, or the time of the newest passage."
    )
    chunked_version = models.PositiveBigIntegerField(
        default=0, db_default=0, help_text="Document version that the chunks contain."
    )
    renderer_version = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Version of the renderer and chunker that created the chunks."
    )
    checksum = models.BinaryField(
        max_length=8,
        db_default=b"",
        help_text="Checksum of the fields above and of all chunks, as the sync stored them. Empty without chunks.",
    )
    title_tsv = models.GeneratedField(
        expression=SearchVector("title", config="english") + SearchVector("title", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="document_identity")]
        indexes = [
            models.Index(fields=["scope", "kind"]),
            GinIndex(fields=["title_tsv"], name="document_title_tsv"),
            # Contains the id, because documents that were never rendered have no time, and there may be a million.
            models.Index(fields=["occurred_at", "id"], name="document_by_time"),
        ]
        ordering = ["-occurred_at"]

    def __str__(self) -> str:
        return self.title or self.external_id


class Chunk(models.Model):
    """A piece of a document that is embedded and found as a unit. Its vector is an ``Embedding``."""

    document_id: int
    # No separate index is needed, because the index of the constraint below begins with this column.
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    ordinal = models.PositiveIntegerField()
    text = models.TextField()
    prefix = models.TextField(blank=True, help_text="Context of the text, embedded in front of the text.")
    words = models.TextField(
        blank=True, help_text="Additional search words: parts of identifiers, and pairs of CJK characters."
    )
    url = models.TextField(blank=True)
    author = models.TextField(blank=True, db_default="", help_text="Author of the passage.")
    occurred_at = models.DateTimeField(null=True, blank=True, help_text="Time of the passage.")
    kind = models.TextField(blank=True, db_default="", help_text="What the passage is, such as review comment.")
    text_hash = models.UUIDField(help_text="First half of the SHA-256 of the embedded text (prefix and text).")
    tsv = models.GeneratedField(
        expression=SearchVector("text", config="english"), output_field=SearchVectorField(), db_persist=True
    )
    tsv_simple = models.GeneratedField(
        expression=words_without_stem(), output_field=SearchVectorField(), db_persist=True
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["document", "ordinal"], name="chunk_identity")]
        indexes = [
            # With the default of 4 MB, the lists of new entries take more space than the rest of a small index.
            GinIndex(fields=["tsv"], name="chunk_tsv", gin_pending_list_limit=256),
            GinIndex(fields=["tsv_simple"], name="chunk_tsv_simple", gin_pending_list_limit=256),
            models.Index(fields=["text_hash"], name="chunk_text_hash"),
        ]
        ordering = ["document", "ordinal"]

    def __str__(self) -> str:
        return f"{self.document.external_id}#{self.ordinal:04d}"


class CommonWord(models.Model):
    """A lexeme that many chunks contain. Queries use this table to select and weight lexemes by rarity.

    The rows with the vector ``vocabulary`` are the known words for the correction of misspelt words. Their ``share`` is
    the number of uses.
    """

    vector = models.CharField(max_length=16, help_text="Column of the chunk table: tsv or tsv_simple.")
    lexeme = models.TextField(help_text="Empty in the row that stores the number of chunks.")
    share = models.FloatField(
        help_text="Share of chunks with this lexeme (0 to 1). Number of chunks if the lexeme is empty."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["vector", "lexeme"], name="common_word_identity")]

    def __str__(self) -> str:
        return f"{self.lexeme} {self.share:.3f}"


class EmbeddingModel(models.Model):
    """The fingerprint of an embedding model. Other tables refer to this table, because fingerprints are long."""

    id = models.SmallAutoField(primary_key=True)
    fingerprint = models.CharField(max_length=200, unique=True)

    def __str__(self) -> str:
        return self.fingerprint


class Embedding(models.Model):
    """The vector of a text. It is stored once, even if several documents or indexes contain the text.

    Therefore a repair or a move to another index does not compute the vector again. The sync removes a row if no chunk
    has its text and no index contains it.
    """

    # The index below replaces that of the foreign key.
    model = models.ForeignKey(EmbeddingModel, on_delete=models.CASCADE, related_name="+", db_index=False)
    text_hash = models.UUIDField(help_text="First half of the SHA-256 of the text.")
    vector = HalfVectorField()
    checksum = models.BinaryField(
        max_length=8, db_default=b"", help_text="Checksum of model, hash and vector, as the vector was stored."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["text_hash", "model"], name="embedding_identity")]
        indexes = [models.Index(fields=["model"], name="embedding_by_model")]

    def __str__(self) -> str:
        return str(self.text_hash)


class Namespace(models.Model):
    """The vectors of one embedder in one index. A namespace never mixes models.

    At most one namespace of each ``index`` serves queries. A switch to another embedder fills a new namespace, which
    then replaces the serving namespace.
    """

    class State(models.TextChoices):
        """The states of namespaces. ``dropping``: the namespace was replaced or abandoned, and is being removed."""

        FILLING = "filling"
        SERVING = "serving"
        DROPPING = "dropping"

    index = models.CharField(
        max_length=200, help_text="pgvector, or pinecone/<index>/<namespace> with the names from the settings."
    )
    container = models.CharField(
        max_length=100, blank=True, help_text="Name of the Pinecone index. Empty for PostgreSQL."
    )
    name = models.CharField(max_length=200)
    embedder = models.CharField(max_length=200)
    dimension = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=State.choices)
    lsn = models.BigIntegerField(
        null=True, blank=True, help_text="Log sequence number of the last write, if the index reports one."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["index", "name"], name="namespace_identity"),
            models.UniqueConstraint(fields=["index"], condition=models.Q(state="serving"), name="namespace_serving"),
        ]
        ordering = ["index", "name"]

    def __str__(self) -> str:
        return f"{self.index} {self.name}"


class Vector(models.Model):
    """A chunk in the index in PostgreSQL. ``embedding`` contains the numbers, because other chunks may share them."""

    document_id: int
    pk = models.CompositePrimaryKey("document_id", "ordinal", "namespace_id")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, db_index=False)
    # No separate index is needed, because the primary key begins with this column.
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+", db_index=False)
    ordinal = models.PositiveIntegerField()
    embedding = models.ForeignKey(Embedding, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.document_id}#{self.ordinal}"


class IndexEntry(models.Model):
    """The state of one document in one namespace. Entries in the state ``dirty`` are the queue of the sync."""

    class State(models.TextChoices):
        """The states of entries. ``failed``: the entry is tried again after ``next_try_at``."""

        DIRTY = "dirty"
        CLEAN = "clean"
        FAILED = "failed"

    document_id: int
    namespace_id: int
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="entries", db_index=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="entries")
    state = models.CharField(max_length=8, choices=State.choices, default=State.DIRTY)
    indexed_version = models.PositiveBigIntegerField(default=0)
    content_hash = models.CharField(
        max_length=64, blank=True, help_text="Hash of everything that was written. Empty if a write may be incomplete."
    )
    embedder = models.CharField(max_length=200, blank=True)
    renderer_version = models.PositiveIntegerField(default=0)
    chunks = models.PositiveIntegerField(default=0)
    high_water = models.PositiveIntegerField(
        default=0, help_text="The index contains no chunk with this ordinal or a higher one."
    )
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)
    next_try_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["namespace", "document"], name="index_entry_identity")]
        indexes = [
            models.Index(fields=["namespace", "id"], name="index_entry_queue", condition=~models.Q(state="clean")),
        ]
        verbose_name_plural = "index entries"

    def __str__(self) -> str:
        return f"{self.document} ({self.state})"
