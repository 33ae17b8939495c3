# The names of targets that a review of a charm for Charmhub looks for.
.PHONY: format lint unit integration

format:
	npm run format

lint:
	npm run setup
	npm run check

# All tests are run against servers on loopback; the integration tests run the packed charm and the real dispatch in the model in a box.
unit:
	npm test

integration:
	npm run --silent setup
	npm run --silent build
	node_modules/.bin/mocha --spec "tests/end-to-end/**/*.test.ts" --spec "tests/pack/**/*.test.ts"
