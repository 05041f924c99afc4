"""The default retriever."""
