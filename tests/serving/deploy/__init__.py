"""The files in deploy/ and the image: `make test` reads them, `make test-deploy` runs them."""
