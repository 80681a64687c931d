import { Migration20261122000001_adopt_or_create } from './Migration20261122000001_adopt_or_create.ts';
import { Migration20261122000002_ledger } from './Migration20261122000002_ledger.ts';
import { Migration20261125000003_past_due_invoice } from './Migration20261125000003_past_due_invoice.ts';
import { Migration20261125000004_lookups } from './Migration20261125000004_lookups.ts';
import { Migration20261125000005_survey } from './Migration20261125000005_survey.ts';
import { Migration20261126000006_write } from './Migration20261126000006_write.ts';
import { Migration20261127000000_read_at } from './Migration20261127000000_read_at.ts';

/** Every migration, oldest first. Listed by hand, so that it is the same set from source and from `dist`. */
export const migrations = [
  { name: 'Migration20261122000001_adopt_or_create', class: Migration20261122000001_adopt_or_create },
  { name: 'Migration20261122000002_ledger', class: Migration20261122000002_ledger },
  { name: 'Migration20261125000003_past_due_invoice', class: Migration20261125000003_past_due_invoice },
  { name: 'Migration20261125000004_lookups', class: Migration20261125000004_lookups },
  { name: 'Migration20261125000005_survey', class: Migration20261125000005_survey },
  { name: 'Migration20261126000006_write', class: Migration20261126000006_write },
  { name: 'Migration20261127000000_read_at', class: Migration20261127000000_read_at },
];
