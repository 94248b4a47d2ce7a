-- The agency's table in the shapes that it has in the field, each in a schema of its own.

create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
create role authenticator login noinherit;
grant anon, authenticated, service_role to authenticator;

-- `projects` with the columns that are documented, in this schema.
create procedure make_table(schema_name text) language plpgsql as $$
begin
  execute format('create schema %I', schema_name);
  execute format('grant usage on schema %I to anon, authenticated, service_role', schema_name);
  execute format($table$
    create table %I.projects (
      id uuid primary key default gen_random_uuid(),
      name text not null,
      stack text,
      constraints text,
      intent_md text,
      context_md text,
      spec_md text,
      plan_md text,
      tasks_md text,
      feedback_md text,
      state_json jsonb,
      created_at timestamptz default now(),
      updated_at timestamptz default now()
    )$table$, schema_name);
end $$;

-- As documented; `listed` is the same for tests that look at all rows.
call make_table('documented');
grant all on documented.projects to anon, authenticated, service_role;
call make_table('listed');
grant all on listed.projects to anon, authenticated, service_role;

-- As deployed: both optional columns, a trigger, unique names, a default state.
call make_table('deployed');
alter table deployed.projects
  add column framework text,
  add column implementation_md text,
  add unique (name),
  alter column state_json set default '{
    "stages": {
      "intent": "pending", "context": "pending", "spec": "pending", "plan": "pending",
      "tasks": "pending", "implementation": "pending", "feedback": "pending"
    },
    "last_agent": null
  }';
create index on deployed.projects (updated_at desc);
create function deployed.set_updated_at() returns trigger language plpgsql as $$
begin
  new.updated_at = now();
  return new;
end $$;
create trigger set_updated_at before update on deployed.projects
  for each row execute function deployed.set_updated_at();
grant all on deployed.projects to anon, authenticated, service_role;

-- As deployed, with a column for `meta_md`.
call make_table('extended');
alter table extended.projects add column framework text, add column implementation_md text, add column meta_md text;
grant all on extended.projects to anon, authenticated, service_role;

-- With row-level security: everybody's own rows; those of others are readable where they are shared.
call make_table('secured');
alter table secured.projects
  add column owner text default current_setting('request.jwt.claims', true)::json ->> 'sub',
  add column shared boolean not null default false;
create function secured.caller() returns text stable language sql as
  $$ select current_setting('request.jwt.claims', true)::json ->> 'sub' $$;
alter table secured.projects enable row level security;
create policy reads on secured.projects for select to authenticated using (owner = secured.caller() or shared);
create policy creates on secured.projects for insert to authenticated with check (owner = secured.caller());
create policy writes on secured.projects for update to authenticated using (owner = secured.caller());
grant select, insert, update on secured.projects to authenticated;
grant all on secured.projects to service_role;

-- With rights on columns: they hide `xmin`.
call make_table('granted');
grant
  select (id, name, stack, constraints, intent_md, context_md, spec_md, plan_md, tasks_md, feedback_md, state_json,
    created_at, updated_at),
  insert, update
  on granted.projects to anon, authenticated, service_role;

-- A view has no `xmin`.
call make_table('behind');
create schema viewed;
grant usage on schema viewed to anon, authenticated, service_role;
create view viewed.projects as select * from behind.projects;
grant all on viewed.projects to anon, authenticated, service_role;
