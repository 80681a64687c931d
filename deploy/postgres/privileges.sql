-- The least the service needs in Matcha's database. Run it as the owner of the tables, after every migration (it can be
-- run again): psql --dbname matcha --file deploy/postgres/privileges.sql
--
-- The role `paiements` runs web and worker (DB_USER, with AUTO_MIGRATE=false). It can change no table, and read nothing
-- of other services but four columns of `users`. The owner's own role is for `release` alone. It cannot log in before it
-- has a password: alter role paiements login password '…';

do $$ begin
  if not exists (select from pg_roles where rolname = 'paiements') then
    create role paiements nologin nosuperuser nocreatedb nocreaterole noreplication;
  end if;
end $$;

grant usage on schema public to paiements;

-- Other services' table: who the user is, and until when premium is paid. Nothing else is read, nothing else written.
grant select (id, email, email_verified, premium), update (premium) on users to paiements;

-- The books. Rows are never deleted from them, except a payment that turns out to be the same as another.
grant select, insert, update on
  subscriptions, checkout_sessions, webhook_events, customers, invoice_payments, outbox_messages, disputes, credit_notes
  to paiements;
grant select, insert, update, delete on payments, maintenance_state to paiements;
-- What operators have settled is noted once and never changed.
grant select, insert on attention_done to paiements;

grant usage on sequence
  subscriptions_id_seq, checkout_sessions_id_seq, webhook_events_id_seq, customers_id_seq, invoice_payments_id_seq,
  outbox_messages_id_seq, payments_id_seq, disputes_id_seq, credit_notes_id_seq, attention_done_id_seq
  to paiements;

grant execute on function survey_ledger_v1, log_events_v1, write_outbox_v1, join_payments_v1 to paiements;

-- `write_ledger_…` has a version for each set of columns; the next one gets the rights of the one before by itself.
do $$
declare
  version regprocedure;
begin
  for version in
    select oid from pg_proc
    where starts_with(proname, 'write_ledger_') and pronamespace = current_schema()::regnamespace
  loop
    execute format('grant execute on function %s to paiements', version);
  end loop;
end $$;
