import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.Properties;
import java.util.StringJoiner;

/** One check of PostgreSQL's driver for Java. Prints one line for each value that it read. */
public final class Client {
    public static void main(String[] arguments) throws Exception {
        Properties who = new Properties();
        who.setProperty("user", arguments[1]);
        who.setProperty("password", System.getenv("PGPASSWORD"));
        try (Connection connection = DriverManager.getConnection(arguments[0], who)) {
            switch (arguments[2]) {
                case "parameters" -> parameters(connection);
                case "fetch size" -> fetchSize(connection);
                case "metadata" -> metadata(connection);
                case "tree" -> tree(connection);
                default -> throw new IllegalArgumentException(arguments[2]);
            }
        }
    }

    private static void parameters(Connection connection) throws Exception {
        String query = "SELECT price, day, moment, whole, tags, bytes FROM matrix WHERE id = ? AND price < ?";
        for (int again = 0; again < 7; again++) { // after five times, the driver prepares it on the server
            try (PreparedStatement statement = connection.prepareStatement(query)) {
                statement.setLong(1, 2);
                statement.setBigDecimal(2, new BigDecimal("20.5"));
                try (ResultSet row = statement.executeQuery()) {
                    row.next();
                    if (again == 6) {
                        System.out.println(row.getBigDecimal("price"));
                        System.out.println(row.getObject("day", LocalDate.class));
                        System.out.println(row.getObject("moment", OffsetDateTime.class).toInstant());
                        System.out.println(row.getLong("whole"));
                        System.out.println(((Object[]) row.getArray("tags").getArray()).length);
                        System.out.println(row.getBytes("bytes").length);
                    }
                }
            }
        }
    }

    private static void fetchSize(Connection connection) throws Exception {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(1);
            int rows = 0;
            try (ResultSet found = statement.executeQuery("SELECT id FROM matrix ORDER BY id")) {
                while (found.next()) {
                    rows++;
                }
            }
            System.out.println(rows);
        }
        connection.commit();
    }

    private static void metadata(Connection connection) throws Exception {
        var metadata = connection.getMetaData();
        print(metadata.getSchemas(), "TABLE_SCHEM");
        print(metadata.getTables(null, "public", "%", new String[] {"TABLE", "VIEW"}), "TABLE_NAME");
        print(metadata.getColumns(null, "public", "matrix", "%"), "COLUMN_NAME", "TYPE_NAME");
        print(metadata.getPrimaryKeys(null, "public", "matrix"), "COLUMN_NAME");
        print(metadata.getIndexInfo(null, "public", "matrix", false, true), "COLUMN_NAME");
        print(metadata.getImportedKeys(null, "public", "matrix"), "FKCOLUMN_NAME");
        metadata.getTypeInfo().close();
        metadata.getCatalogs().close();
        metadata.getFunctions(null, "public", "%").close();
        metadata.getTablePrivileges(null, "public", "matrix").close();
    }

    /** The queries that DBeaver's tree sends for databases, schemas, tables, columns and constraints. */
    private static void tree(Connection connection) throws Exception {
        String[] queries = {
            "SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE datname = current_database()",
            "SELECT version()",
            "SELECT current_schema(),session_user",
            "SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d"
                + " ON d.objoid=n.oid AND d.objsubid=0 AND d.classoid='pg_namespace'::regclass ORDER BY nspname",
            "SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr,"
                + " pg_catalog.pg_get_partkeydef(c.oid) as partition_key FROM pg_catalog.pg_class c LEFT OUTER JOIN"
                + " pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass"
                + " WHERE c.relnamespace='public'::regnamespace AND c.relkind not in ('i','I','c')",
            "SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,"
                + "dep.objid FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid)"
                + " LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum)"
                + " LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid)"
                + " LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and"
                + " dep.refobjsubid = a.attnum and dep.classid = dep.refclassid WHERE NOT a.attisdropped AND"
                + " c.relkind not in ('i','I','c') AND c.relnamespace='public'::regnamespace ORDER BY a.attnum",
            "SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description,"
                + " null as consrc_copy FROM pg_catalog.pg_constraint c INNER JOIN pg_catalog.pg_class t ON"
                + " t.oid=c.conrelid LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid LEFT OUTER JOIN"
                + " pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND"
                + " d.classoid='pg_constraint'::regclass WHERE t.relnamespace='public'::regnamespace ORDER BY c.oid",
            "SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name,"
                + " d.description FROM pg_catalog.pg_type t LEFT OUTER JOIN pg_catalog.pg_type et ON"
                + " et.oid=t.typelem LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid LEFT OUTER JOIN"
                + " pg_catalog.pg_description d ON t.oid=d.objoid WHERE t.typname IS NOT NULL AND (c.relkind IS NULL"
                + " OR c.relkind = 'c')",
            "SELECT a.oid,a.*,pd.description FROM pg_catalog.pg_roles a left join pg_catalog.pg_shdescription pd on"
                + " a.oid = pd.objoid ORDER BY a.rolname",
            "SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'server_version'",
        };
        for (String query : queries) {
            try (Statement statement = connection.createStatement(); ResultSet found = statement.executeQuery(query)) {
                System.out.println(found.next());
            }
        }
    }

    private static void print(ResultSet found, String... columns) throws Exception {
        StringJoiner lines = new StringJoiner(" ");
        try (found) {
            while (found.next()) {
                StringJoiner line = new StringJoiner(":");
                for (String column : columns) {
                    line.add(found.getString(column));
                }
                lines.add(line.toString());
            }
        }
        System.out.println(lines);
    }
}
