"""Search an index with LangChain, and print the passages with their authors and addresses.

Needs the environment of ``requirements.txt`` and the variable PINECONE_API_KEY.
"""

import argparse

from langchain_pinecone import PineconeEmbeddings, PineconeVectorStore
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
        index=Pinecone().Index(host=arguments.host),
        embedding=PineconeEmbeddings(model="multilingual-e5-large"),
        namespace=arguments.namespace,
    )
    condition = {"state": {"$eq": arguments.state}} if arguments.state else None
    for passage, score in store.similarity_search_with_score(arguments.question, k=5, filter=condition):
        about = {"kind": "", "author": "", "url": ""} | passage.metadata
        print(f"{score:.3f} {about['title']}: {about['kind']} by {about['author']}, {about['url']}")
        print(f"      {' '.join(passage.page_content.split())[:200]}")


if __name__ == "__main__":
    main()
