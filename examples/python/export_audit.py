"""Exports a month of the audit log into a file, and counts who did what. Guide section 9.1.

    export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
    python export_audit.py 2026-01-01T00:00:00Z 2026-02-01T00:00:00Z

Without `BUD_BASE_URL` it runs on a test server, and needs no arguments.
"""

from collections import Counter

from demo import platform


def main() -> None:
    with platform() as here:
        start = here.argument(1, "the first moment", "2026-01-01T00:00:00Z")
        end = here.argument(2, "the moment behind the last", "2026-02-01T00:00:00Z")
        export = here.bud.audit.export(start=start, end=end)

        # The file appears under its name only when it is whole and on disk.
        done = export.write_to("audit_export.csv", overwrite=True)
        whole = "proven whole" if done.proven else "perhaps cut"
        print(f"audit_export.csv: {done.rows} rows, {done.bytes} bytes, {whole}")

        # The same as typed records, one at a time: no file, and no more memory for a year than for a day.
        for action, count in Counter(record.action for record in export.records()).most_common():
            print(f"{count:>8}  {action}")


main()
