"""Why a model finds pictures alike: which places of each the similarity comes from."""
