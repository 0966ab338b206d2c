"""Every setting, once: its name, default and meaning. Each is an environment variable BANSHI_<NAME>.

docs/settings.md is generated from here and checked by a test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


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
    threads: Annotated[int, Field(ge=1, le=64, description="Threads of each web worker.")] = 4
    index_processes: Annotated[
        int, Field(ge=0, le=64, description="Processes that analyse guides in a rebuild; 0 means one a core.")
    ] = 0
    city_name: Annotated[str, Field(description="Name of the city in the page frame.")] = "哈尔滨市"
    area_code: Annotated[str, Field(description="Telephone area code that the lint rules expect.")] = "0451"
    public_url: Annotated[
        str, Field(description="Address under which citizens reach the site, for links outside it.")
    ] = "http://127.0.0.1:8000"
    index_stale_seconds: Annotated[
        int, Field(ge=1, description="Unapplied changes older than this make /readyz report the index as stale.")
    ] = 30
    log_format: Annotated[Literal["text", "json"], Field(description="How log lines are written.")] = "text"

    @property
    def resolved_database_url(self) -> str:
        """The database URL, with its default filled in."""
        return self.database_url or f"sqlite:///{(self.data / 'banshi.db').resolve()}"

    @property
    def index_folder(self) -> Path:
        """Where the embedded indexes are."""
        return self.data.resolve() / "index"
