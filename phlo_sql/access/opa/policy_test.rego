package trino_test

import data.trino

# What phlo-sql makes of: ann admin on *, bob write on ice.s, cas read on ice*.s.ord*, dan admin on
# ice.s (ended), fay admin on ice, the group readers read on ice.s.t.
whole(entry, catalog) := {
	"entries": [entry],
	"catalogs": {catalog: [entry]},
	"schemas": {catalog: {"*": [entry]}},
	"exact": {catalog: {"*": {"*": [entry]}}},
	"patterns": {},
}

part(entry, table) := {
	"entries": [entry],
	"catalogs": {"ice": [entry]},
	"schemas": {"ice": {"s": [entry]}},
	"exact": {"ice": {"s": {table: [entry]}}},
	"patterns": {},
}

access := {"principals": {
	"user ann": whole([3, 0], "*"),
	"user bob": part([2, 0], "*"),
	"user cas": {
		"entries": [[1, 0]],
		"catalogs": {},
		"schemas": {},
		"exact": {},
		"patterns": {"*": {"s": [{
			"entry": [1, 0],
			"catalog": {"prefix": "ice", "suffix": "", "length": 3},
			"schema": "s",
			"table": {"prefix": "ord", "suffix": "", "length": 3},
		}]}},
	},
	"user dan": part([3, 1], "*"),
	"user fay": whole([3, 0], "ice"),
	"group readers": part([1, 0], "t"),
}}

who(user) := {"identity": {"user": user, "groups": []}, "softwareStack": {"trinoVersion": "476"}}

table(name) := {"table": {"catalogName": "ice", "schemaName": "s", "tableName": name}}

may(user, operation, resource) if {
	trino.allow with data.phlo_sql.access as access
		with input as {
			"context": who(user),
			"action": {"operation": operation, "resource": resource},
		}
}

procedure(name) := object.union(table("t"), {"function": {"functionName": name}})

test_nobody_runs_nothing if {
	not may("nobody", "ExecuteQuery", {})
	not may("nobody", "SelectFromColumns", table("t"))
	not may("nobody", "AccessCatalog", {"catalog": {"name": "ice"}})
}

test_admin_of_everything if {
	may("ann", "CreateCatalog", {"catalog": {"name": "new"}})
	may("ann", "ImpersonateUser", {"user": {"user": "bob"}})
	may("ann", "KillQueryOwnedBy", {"user": {"user": "bob"}})
}

test_admin_of_a_catalog_is_no_admin_of_the_server if {
	may("fay", "DropTable", table("t"))
	may("fay", "CreateSchema", {"schema": {"catalogName": "ice", "schemaName": "new"}})
	may("fay", "ExecuteProcedure", {"function": {
		"catalogName": "ice",
		"schemaName": "system",
		"functionName": "register_table",
	}})
	not may("fay", "CreateCatalog", {"catalog": {"name": "new"}})
	not may("fay", "ImpersonateUser", {"user": {"user": "bob"}})
	not may("fay", "KillQueryOwnedBy", {"user": {"user": "bob"}})
}

test_write_holds_read if {
	may("bob", "SelectFromColumns", table("t"))
	may("bob", "InsertIntoTable", table("t"))
	may("bob", "DeleteFromTable", table("t"))
	not may("bob", "DropTable", table("t"))
	not may("bob", "CreateTable", table("t"))
}

test_write_optimizes_and_no_more if {
	may("bob", "ExecuteTableProcedure", procedure("OPTIMIZE"))
	may("bob", "ExecuteTableProcedure", procedure("OPTIMIZE_MANIFESTS"))
	not may("bob", "ExecuteTableProcedure", procedure("REMOVE_ORPHAN_FILES"))
	not may("bob", "ExecuteTableProcedure", procedure("EXPIRE_SNAPSHOTS"))
	may("fay", "ExecuteTableProcedure", procedure("REMOVE_ORPHAN_FILES"))
}

sized(properties) := {"table": object.union(table("t").table, {"properties": properties})}

test_write_sets_the_file_size_only if {
	may("bob", "SetTableProperties", sized({"target_max_file_size": "64MB"}))
	not may("bob", "SetTableProperties", sized({"format_version": 3}))
	not may("bob", "SetTableProperties", sized({}))
	not may("bob", "SetTableProperties", table("t"))
}

property(name) := {"catalogSessionProperty": {"catalogName": "ice", "propertyName": name}}

test_no_floor_is_lowered_by_a_writer if {
	may("bob", "SetCatalogSessionProperty", property("target_max_file_size"))
	not may("bob", "SetCatalogSessionProperty", property("expire_snapshots_min_retention"))
	may("fay", "SetCatalogSessionProperty", property("expire_snapshots_min_retention"))
}

test_patterns if {
	may("cas", "SelectFromColumns", table("orders"))
	may("cas", "SelectFromColumns", table("orders$snapshots"))
	may("cas", "SelectFromColumns", table("ord"))
	not may("cas", "SelectFromColumns", table("customers"))
	not may("cas", "SelectFromColumns", table("x$orders"))
	may("cas", "ShowTables", {"schema": {"catalogName": "ice", "schemaName": "s"}})
	not may("cas", "ShowTables", {"schema": {"catalogName": "ice", "schemaName": "s2"}})
}

test_what_ended_allows_nothing if {
	not may("dan", "ExecuteQuery", {})
	not may("dan", "SelectFromColumns", table("t"))
	not may("dan", "AccessCatalog", {"catalog": {"name": "ice"}})
}

test_groups if {
	trino.allow with data.phlo_sql.access as access
		with input as {
			"context": {"identity": {"user": "eve", "groups": ["others", "readers"]}},
			"action": {"operation": "SelectFromColumns", "resource": table("t")},
		}
}

test_a_user_is_no_group if not may("readers", "SelectFromColumns", table("t"))

test_batch if {
	found := trino.batch with data.phlo_sql.access as access
		with input as {
			"context": who("cas"),
			"action": {
				"operation": "FilterTables",
				"filterResources": [table("customers"), table("orders"), table("ordinals")],
			},
		}
	found == {1, 2}
}

of(name) := {"table": object.union(table(name).table, {"columns": ["a", "b"]})}

asked(name) := {
	"context": who("cas"),
	"action": {"operation": "FilterColumns", "filterResources": [of(name)]},
}

test_batch_of_columns if {
	found := trino.batch with data.phlo_sql.access as access with input as asked("orders")
	found == {0, 1}
	none := trino.batch with data.phlo_sql.access as access with input as asked("customers")
	none == set()
}

test_no_policies_deny if {
	not trino.allow with input as {
		"context": who("ann"),
		"action": {"operation": "ExecuteQuery"},
	}
}

test_broken_policies_deny if {
	not trino.allow with data.phlo_sql.access as {"principals": {"user ann": "admin"}}
		with input as {"context": who("ann"), "action": {"operation": "ExecuteQuery"}}
}
