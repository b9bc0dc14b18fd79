// Trino's own parser behind lines of text: one request per line of standard input, one answer each.
//   STATEMENT <base64>   EXPRESSION <base64>   TYPE <base64>   RESERVED
// Answers: OK <base64 of JSON>  or  ERR <base64 of the message>.
// The JSON of a tree holds every field of every node except where it stood in the text.

import io.trino.sql.ReservedIdentifiers;
import io.trino.sql.parser.SqlParser;
import io.trino.sql.tree.Node;
import io.trino.sql.tree.QualifiedName;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

public class TrinoOracle {
    private static final SqlParser PARSER = new SqlParser();

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        for (String line; (line = in.readLine()) != null; ) {
            try {
                out.println("OK " + encode(answer(line.split(" ", 2))));
            }
            catch (Exception | StackOverflowError error) {
                out.println("ERR " + encode(error.getClass().getSimpleName() + ": " + error.getMessage()));
            }
        }
    }

    private static String answer(String[] request) throws IllegalAccessException {
        StringBuilder json = new StringBuilder();
        if (request[0].equals("RESERVED")) {
            write(json, List.copyOf(new TreeSet<>(ReservedIdentifiers.reservedIdentifiers())));
            return json.toString();
        }
        String text = new String(Base64.getDecoder().decode(request[1]), StandardCharsets.UTF_8);
        write(json, switch (request[0]) {
            case "STATEMENT" -> PARSER.createStatement(text);
            case "EXPRESSION" -> PARSER.createExpression(text);
            case "TYPE" -> PARSER.createType(text);
            default -> throw new IllegalArgumentException(request[0]);
        });
        return json.toString();
    }

    private static void write(StringBuilder json, Object value) throws IllegalAccessException {
        switch (value) {
            case null -> json.append("null");
            case Boolean flag -> json.append(flag);
            case Optional<?> optional -> write(json, optional.orElse(null));
            case QualifiedName name -> write(json, name.getOriginalParts());
            case Node node -> writeFields(json, node, Node.class);
            case Record record -> writeFields(json, record, Record.class);
            case byte[] bytes -> writeText(json, Base64.getEncoder().encodeToString(bytes));
            case Set<?> set -> write(json, set.stream().map(Object::toString).sorted().toList());
            case List<?> list -> {
                json.append('[');
                for (int i = 0; i < list.size(); i++) {
                    json.append(i == 0 ? "" : ",");
                    write(json, list.get(i));
                }
                json.append(']');
            }
            default -> writeText(json, value.toString());
        }
    }

    private static void writeFields(StringBuilder json, Object value, Class<?> root) throws IllegalAccessException {
        json.append("{\"node\":");
        writeText(json, value.getClass().getSimpleName());
        for (Class<?> type = value.getClass(); type != root; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if (Modifier.isStatic(field.getModifiers())) {
                    continue;
                }
                field.setAccessible(true);
                json.append(",");
                writeText(json, field.getName());
                json.append(":");
                write(json, field.get(value));
            }
        }
        json.append('}');
    }

    private static void writeText(StringBuilder json, String text) {
        json.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            }
            else if (c < 0x20 || c > 0x7e) {
                json.append(String.format("\\u%04x", (int) c));
            }
            else {
                json.append(c);
            }
        }
        json.append('"');
    }

    private static String encode(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
