"""The release chain under an exhaustive search: the product's own rules, a hostile worker, stolen signers."""
