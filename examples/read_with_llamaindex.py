"""Search an index with LlamaIndex, and print the passages with their authors and addresses.

Needs the environment of ``requirements.txt`` and the variable PINECONE_API_KEY.
"""

import argparse

from langchain_pinecone import PineconeEmbeddings
from llama_index.core.vector_stores.types import FilterOperator, MetadataFilter, MetadataFilters, VectorStoreQuery
from llama_index.vector_stores.pinecone import PineconeVectorStore
from pinecone import Pinecone


def main() -> None:
    """Search for the question, optionally only in documents with a state."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host", help="address of the index, as the Pinecone console shows it")
    parser.add_argument("namespace")
    parser.add_argument("question")
    parser.add_argument("--state", choices=["open", "closed", "merged"], help="only documents with this state")
    arguments = parser.parse_args()
    store = PineconeVectorStore(
        pinecone_index=Pinecone().Index(host=arguments.host), namespace=arguments.namespace, text_key="text"
    )
    by_state = MetadataFilter(key="state", value=arguments.state, operator=FilterOperator.EQ)
    query = VectorStoreQuery(
        query_embedding=PineconeEmbeddings(model="multilingual-e5-large").embed_query(arguments.question),
        similarity_top_k=5,
        filters=MetadataFilters(filters=[by_state]) if arguments.state else None,
    )
    found = store.query(query)
    for node, score in zip(found.nodes or [], found.similarities or [], strict=True):
        about = {"kind": "", "author": "", "url": ""} | node.metadata
        print(f"{score:.3f} {about['title']}: {about['kind']} by {about['author']}, {about['url']}")
        print(f"      {' '.join(node.get_content().split())[:200]}")


if __name__ == "__main__":
    main()
