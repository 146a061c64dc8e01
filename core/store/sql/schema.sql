-- SPDX-License-Identifier: MIT
-- What is applied, by whom. Made before the first migration.
CREATE TABLE harborai_schema (
    version    integer     PRIMARY KEY,
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text        NOT NULL
);
