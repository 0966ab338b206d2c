"""Every setting, once: its name, default and meaning. Each is an environment variable BANSHI_<NAME>.

docs/settings.md is generated from here and checked by a test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from indexer.elasticsearch.connection import ElasticsearchOptions
from voice.model_store import DEFAULT_MODEL


class Settings(BaseSettings):
    """All settings of one process. Frozen: what a process was started with, it keeps."""

    model_config = SettingsConfigDict(env_prefix="BANSHI_", frozen=True, extra="ignore")

    data: Annotated[Path, Field(description="Folder of all state: database, index, logs.")] = Path("data")
    database_url: Annotated[
        str, Field(description="SQLAlchemy URL of the database; empty means banshi.db in the data folder.")
    ] = ""
    host: Annotated[str, Field(description="Address that `banshi serve` listens on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="Port that `banshi serve` listens on.")] = 8000
    workers: Annotated[int, Field(ge=1, le=64, description="Web worker processes.")] = 2
    threads: Annotated[int, Field(ge=1, le=64, description="Threads of each web worker.")] = 8
    index_processes: Annotated[
        int, Field(ge=0, le=64, description="Processes that analyse guides in a rebuild; 0 means one a core.")
    ] = 0
    engine: Annotated[
        Literal["embedded", "elasticsearch"],
        Field(description="Engine that answers. With elasticsearch the embedded one is its standby."),
    ] = "embedded"
    elasticsearch_urls: Annotated[str, Field(description="Addresses of the cluster's nodes, separated by commas.")] = (
        "http://127.0.0.1:9200"
    )
    elasticsearch_index: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9_-]{0,50}$", description="Prefix of every index and alias that Banshi makes there."
        ),
    ] = "banshi"
    elasticsearch_api_key: Annotated[
        SecretStr, Field(description="API key (its encoded form). Goes before user and password.")
    ] = SecretStr("")
    elasticsearch_user: Annotated[str, Field(description="User, where there is no API key.")] = ""
    elasticsearch_password: Annotated[SecretStr, Field(description="The user's password.")] = SecretStr("")
    elasticsearch_ca_file: Annotated[
        str, Field(description="File of the authority that signed the cluster's certificate.")
    ] = ""
    elasticsearch_fingerprint: Annotated[
        str, Field(description="SHA-256 fingerprint of the certificate, instead of a file.")
    ] = ""
    elasticsearch_timeout_seconds: Annotated[
        float, Field(gt=0, le=60, description="A search that takes longer is answered by the standby.")
    ] = 2.0
    elasticsearch_retries: Annotated[
        int, Field(ge=0, le=10, description="Other nodes to try when one can't be reached. Slow ones are not retried.")
    ] = 1
    elasticsearch_replicas: Annotated[
        int, Field(ge=0, le=10, description="Copies of the index beyond the first; 0 on a single node.")
    ] = 1
    elasticsearch_shards: Annotated[
        int, Field(ge=1, le=64, description="Shards of the index; 1 up to a million guides.")
    ] = 1
    city_name: Annotated[str, Field(description="Name of the city in the page frame.")] = "哈尔滨市"
    area_code: Annotated[str, Field(description="Telephone area code that the lint rules expect.")] = "0451"
    public_url: Annotated[
        str, Field(description="Address under which citizens reach the site, for links outside it.")
    ] = "http://127.0.0.1:8000"
    index_stale_seconds: Annotated[
        int, Field(ge=1, description="Unapplied changes older than this make /readyz report the index as stale.")
    ] = 30
    use_log: Annotated[
        bool, Field(description="Whether searches and what was opened after them are noted, anonymously.")
    ] = True
    use_log_days: Annotated[
        int, Field(ge=1, le=3650, description="Days after which notes of searches are deleted.")
    ] = 180
    voice: Annotated[bool, Field(description="Whether citizens may speak their query.")] = True
    voice_model: Annotated[
        str, Field(description="Name of the speech model; `banshi voice models` lists those that there are.")
    ] = DEFAULT_MODEL
    voice_streams: Annotated[
        int,
        Field(
            ge=1,
            le=63,
            description="People who may speak at once, per worker; each holds a thread and most of a core.",
        ),
    ] = 2
    log_format: Annotated[Literal["text", "json"], Field(description="How log lines are written.")] = "text"

    @model_validator(mode="after")
    def _keep_threads_for_pages(self) -> Self:
        if self.voice and self.threads <= self.voice_streams:
            raise ValueError(
                f"BANSHI_THREADS（{self.threads}）应大于 BANSHI_VOICE_STREAMS（{self.voice_streams}）："
                "每个说话的人占一个线程，否则说话时别人打不开网页。"
                "请调大前者或者调小后者，不用语音时也可以设 BANSHI_VOICE=False"
            )
        return self

    @property
    def resolved_database_url(self) -> str:
        """The database URL, with its default filled in."""
        return self.database_url or f"sqlite:///{(self.data / 'banshi.db').resolve()}"

    @property
    def elasticsearch(self) -> ElasticsearchOptions:
        """How to reach Elasticsearch."""
        return ElasticsearchOptions(
            urls=tuple(url.strip() for url in self.elasticsearch_urls.split(",") if url.strip()),
            index=self.elasticsearch_index,
            api_key=self.elasticsearch_api_key.get_secret_value(),
            user=self.elasticsearch_user,
            password=self.elasticsearch_password.get_secret_value(),
            ca_file=Path(self.elasticsearch_ca_file) if self.elasticsearch_ca_file else None,
            fingerprint=self.elasticsearch_fingerprint,
            timeout_seconds=self.elasticsearch_timeout_seconds,
            retries=self.elasticsearch_retries,
            replicas=self.elasticsearch_replicas,
            shards=self.elasticsearch_shards,
        )

    def as_environment(self) -> dict[str, str]:
        """The environment variables that give a child process these settings, secrets included."""
        return {
            f"BANSHI_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in self.model_dump().items()
        }

    @property
    def models_folder(self) -> Path:
        """Where speech models are that were installed."""
        return self.data.resolve() / "voice" / "models"

    @property
    def index_folder(self) -> Path:
        """Where the embedded indexes are."""
        return self.data.resolve() / "index"
