"""Flask: the public pages and the JSON API. Holds no logic that a command would need as well."""
