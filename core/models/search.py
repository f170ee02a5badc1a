"""What can be searched, the pieces it is cut into, and the ledger of what each index holds."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from pgvector.django import HalfVectorField

from core.models.scopes import Scope


class Document(models.Model):
    """One thing to search: an issue with its talk, a pull request, a commit, a conversation.

    ``version`` is raised in the transaction that changed the rows behind it; whatever an index holds of an older
    version is stale. A tombstone (``deleted_at``) is kept until no index holds anything of it.
    """

    source_system = models.CharField(max_length=32)
    external_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=32)
    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, related_name="documents")
    version = models.PositiveBigIntegerField(default=1)
    deleted_at = models.DateTimeField(null=True, blank=True)
    # Rendered by the sync, so that results and the admin need no tracker:
    title = models.CharField(max_length=300, blank=True)
    url = models.URLField(max_length=1000, blank=True)
    author = models.CharField(max_length=200, blank=True)
    occurred_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source_system", "external_id"], name="document_identity")]
        indexes = [models.Index(fields=["scope", "kind"])]
        ordering = ["-occurred_at"]

    def __str__(self) -> str:
        return self.title or self.external_id
