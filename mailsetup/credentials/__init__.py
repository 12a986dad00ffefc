"""Named, sealed, versioned mail secrets of a workspace."""
