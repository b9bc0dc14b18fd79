# METADATA
# description: |
#   What Trino may let whom do, from phlo-sql's grants: data.phlo_sql.access, one document for each user
#   and each group. What no rule allows is denied; a grant that has ended allows nothing.
package trino

identity := input.context.identity

operation := input.action.operation

resource := object.get(input.action, "resource", {})

target := object.get(input.action, "targetResource", {})

default allow := false

# ---------------------------------------------------------------- whose grants count
# Names only: to look up one value costs the same among ten grants and ten thousand, but a document
# that is held in a variable is read whole.
mine contains name if name := sprintf("user %s", [identity.user])

mine contains name if {
	some group in object.get(identity, "groups", [])
	name := sprintf("group %s", [group])
}

# An entry is [rank, end]: read 1, write 2, admin 3; the end in seconds, 0 for never.
alive(entry) if entry[1] == 0

alive(entry) if entry[1] * 1000000000 > time.now_ns()

known if {
	some name in mine
	some entry in data.phlo_sql.access.principals[name].entries
	alive(entry)
}

# Admin of everything.
everything if {
	some name in mine
	some entry in data.phlo_sql.access.principals[name].exact["*"]["*"]["*"]
	entry[0] == 3
	alive(entry)
}

# ---------------------------------------------------------------- what a grant covers
covers("*", _)

covers(name, name)

covers(pattern, name) if {
	is_object(pattern)
	startswith(name, pattern.prefix)
	endswith(name, pattern.suffix)
	count(name) >= pattern.length
}

covers(pattern, name) if {
	is_object(pattern)
	regex.match(pattern.expression, name)
}

holds(rank, catalog, schema, table) if {
	some name in mine
	some c in {catalog, "*"}
	some s in {schema, "*"}
	some t in {table, "*"}
	some entry in data.phlo_sql.access.principals[name].exact[c][s][t]
	entry[0] >= rank
	alive(entry)
}

holds(rank, catalog, schema, table) if {
	some name in mine
	some c in {catalog, "*"}
	some s in {schema, "*"}
	some rule in data.phlo_sql.access.principals[name].patterns[c][s]
	rule.entry[0] >= rank
	alive(rule.entry)
	covers(rule.catalog, catalog)
	covers(rule.schema, schema)
	covers(rule.table, table)
}

# Some grant reaches into the schema, or the catalog: enough to see that it is there.
reaches_schema(rank, catalog, schema) if {
	some name in mine
	some c in {catalog, "*"}
	some s in {schema, "*"}
	some entry in data.phlo_sql.access.principals[name].schemas[c][s]
	entry[0] >= rank
	alive(entry)
}

reaches_schema(rank, catalog, schema) if {
	some name in mine
	some c in {catalog, "*"}
	some rule in data.phlo_sql.access.principals[name].patterns[c]["*"]
	rule.entry[0] >= rank
	alive(rule.entry)
	covers(rule.catalog, catalog)
	covers(rule.schema, schema)
}

reaches_schema(rank, catalog, schema) if {
	some name in mine
	some rule in data.phlo_sql.access.principals[name].patterns["*"][schema]
	rule.entry[0] >= rank
	alive(rule.entry)
	covers(rule.catalog, catalog)
	covers(rule.schema, schema)
}

reaches_catalog(rank, catalog) if {
	some name in mine
	some c in {catalog, "*"}
	some entry in data.phlo_sql.access.principals[name].catalogs[c]
	entry[0] >= rank
	alive(entry)
}

reaches_catalog(rank, catalog) if {
	some name in mine
	some rules in data.phlo_sql.access.principals[name].patterns["*"]
	some rule in rules
	rule.entry[0] >= rank
	alive(rule.entry)
	covers(rule.catalog, catalog)
}

# All of the schema, or of the catalog. No name is "*", so only a grant on the whole covers it.
whole_schema(rank, catalog, schema) if holds(rank, catalog, schema, "*")

whole_catalog(rank, catalog) if holds(rank, catalog, "*", "*")

# orders$snapshots follows orders.
table_rank(rank, table) if {
	holds(rank, table.catalogName, table.schemaName, split(table.tableName, "$")[0])
}

# ---------------------------------------------------------------- everybody with a grant
open_schemas := {"information_schema"}

system_schemas := {"jdbc", "runtime", "metadata"}

sees_catalog(catalog) if reaches_catalog(1, catalog)

sees_catalog("system") if known

sees_schema(catalog, schema) if reaches_schema(1, catalog, schema)

sees_schema(catalog, schema) if {
	schema in open_schemas
	sees_catalog(catalog)
}

sees_schema("system", schema) if {
	schema in system_schemas
	known
}

reads(table) if table_rank(1, table)

reads(table) if {
	table.schemaName in open_schemas
	sees_catalog(table.catalogName)
}

reads(table) if {
	table.catalogName == "system"
	table.schemaName in system_schemas
	known
}

allow if everything

allow if {
	operation in {"ExecuteQuery", "SetSystemSessionProperty"}
	known
}

allow if {
	operation in {"FilterViewQueryOwnedBy", "ViewQueryOwnedBy", "KillQueryOwnedBy"}
	known
	resource.user.user == identity.user
}

# Which query may be killed is asked next, as KillQueryOwnedBy.
allow if {
	operation == "ExecuteProcedure"
	resource.function.catalogName == "system"
	resource.function.schemaName == "runtime"
	resource.function.functionName == "kill_query"
	known
}

# ---------------------------------------------------------------- read
allow if {
	operation in {"AccessCatalog", "FilterCatalogs", "ShowSchemas"}
	sees_catalog(resource.catalog.name)
}

allow if {
	operation in {"FilterSchemas", "ShowTables", "ShowFunctions", "ShowCreateSchema"}
	sees_schema(resource.schema.catalogName, resource.schema.schemaName)
}

allow if {
	operation in {
		"FilterTables",
		"FilterColumns",
		"ShowColumns",
		"ShowCreateTable",
		"SelectFromColumns",
		"CreateViewWithSelectFromColumns",
	}
	reads(resource.table)
}

function_operations := {"ExecuteFunction", "FilterFunctions", "CreateViewWithExecuteFunction"}

allow if {
	operation in (function_operations | {"ShowCreateFunction"})
	resource.function.catalogName == "system"
	known
}

# A table function reads what its arguments name, and they are not told: all of the catalog.
allow if {
	operation in function_operations
	resource.function.schemaName == "system"
	whole_catalog(1, resource.function.catalogName)
}

allow if {
	operation in (function_operations | {"ShowCreateFunction"})
	resource.function.schemaName != "system"
	whole_schema(1, resource.function.catalogName, resource.function.schemaName)
}

# ---------------------------------------------------------------- write
allow if {
	operation in {
		"InsertIntoTable",
		"DeleteFromTable",
		"UpdateTableColumns",
		"TruncateTable",
		"RefreshMaterializedView",
	}
	table_rank(2, resource.table)
}

allow if {
	operation == "ExecuteTableProcedure"
	lower(resource.function.functionName) in {"optimize", "optimize_manifests"}
	table_rank(2, resource.table)
}

# From Trino 482 on, the size of the files that optimize writes is a property of the table.
allow if {
	operation == "SetTableProperties"
	object.keys(resource.table.properties) == {"target_max_file_size"}
	table_rank(2, resource.table)
}

retention_floors := {"expire_snapshots_min_retention", "remove_orphan_files_min_retention"}

allow if {
	operation == "SetCatalogSessionProperty"
	not resource.catalogSessionProperty.propertyName in retention_floors
	reaches_catalog(2, resource.catalogSessionProperty.catalogName)
}

# ---------------------------------------------------------------- admin
allow if {
	operation == "SetCatalogSessionProperty"
	reaches_catalog(3, resource.catalogSessionProperty.catalogName)
}

allow if {
	operation in {
		"CreateTable",
		"DropTable",
		"SetTableProperties",
		"SetTableComment",
		"SetViewComment",
		"SetColumnComment",
		"AddColumn",
		"AlterColumn",
		"DropColumn",
		"RenameColumn",
		"CreateView",
		"DropView",
		"CreateMaterializedView",
		"SetMaterializedViewProperties",
		"DropMaterializedView",
		"ExecuteTableProcedure",
	}
	table_rank(3, resource.table)
}

allow if {
	operation in {"RenameTable", "RenameView", "RenameMaterializedView"}
	table_rank(3, resource.table)
	table_rank(3, target.table)
}

allow if {
	operation in {"CreateSchema", "DropSchema"}
	whole_schema(3, resource.schema.catalogName, resource.schema.schemaName)
}

allow if {
	operation == "RenameSchema"
	whole_schema(3, resource.schema.catalogName, resource.schema.schemaName)
	whole_schema(3, target.schema.catalogName, target.schema.schemaName)
}

# CALL names no table here, so it takes the whole catalog.
allow if {
	operation == "ExecuteProcedure"
	whole_catalog(3, resource.function.catalogName)
}

allow if {
	operation in {"CreateFunction", "DropFunction"}
	whole_schema(3, resource.function.catalogName, resource.function.schemaName)
}

# ---------------------------------------------------------------- many at once
one_by_one := {"FilterCatalogs", "FilterSchemas", "FilterTables", "FilterColumns"}

batch contains index if {
	operation != "FilterColumns"
	everything
	some index, _ in input.action.filterResources
}

batch contains index if {
	operation == "FilterCatalogs"
	some index, one in input.action.filterResources
	sees_catalog(one.catalog.name)
}

batch contains index if {
	operation == "FilterSchemas"
	some index, one in input.action.filterResources
	sees_schema(one.schema.catalogName, one.schema.schemaName)
}

batch contains index if {
	operation == "FilterTables"
	some index, one in input.action.filterResources
	reads(one.table)
}

batch contains index if {
	not operation in one_by_one
	some index, one in input.action.filterResources
	allow with input.action.resource as one
}

# One table, and the answer is about its columns: by their places.
batch contains index if {
	operation == "FilterColumns"
	table := input.action.filterResources[0].table
	allow with input.action.resource as {"table": table}
	some index, _ in table.columns
}
