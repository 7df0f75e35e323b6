"""llmclient beside bare urllib3, bare requests and its peers, against one server that answers with canned bytes."""
