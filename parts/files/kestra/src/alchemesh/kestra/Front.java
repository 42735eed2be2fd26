package alchemesh.kestra;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.kestra.core.executor.command.Create;
import io.kestra.core.executor.command.ExecutionCommand;
import io.kestra.core.models.Label;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.ExecutionId;
import io.kestra.core.models.executions.ExecutionKilled;
import io.kestra.core.models.executions.ExecutionKilledExecution;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.flows.FlowSource;
import io.kestra.core.models.flows.FlowWithSource;
import io.kestra.core.models.flows.GenericFlow;
import io.kestra.core.queues.BroadcastQueueInterface;
import io.kestra.core.queues.DispatchQueueInterface;
import io.kestra.core.repositories.ExecutionRepositoryInterface;
import io.kestra.core.repositories.FlowRepositoryInterface;
import io.kestra.core.repositories.LogDataStoreInterface;
import io.kestra.core.repositories.TriggerRepositoryInterface;
import io.kestra.core.runners.Executor;
import io.kestra.core.runners.FlowInputOutput;
import io.kestra.core.runners.Indexer;
import io.kestra.core.runners.Scheduler;
import io.kestra.core.runners.Worker;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.services.ExecutionService;
import io.kestra.core.services.FlowService;
import io.kestra.core.utils.IdUtils;
import io.kestra.core.utils.VersionProvider;
import io.kestra.core.worker.Controller;
import io.micronaut.context.ApplicationContext;
import io.micronaut.core.type.Argument;
import io.micronaut.data.model.Pageable;
import io.micronaut.data.model.Sort;
import jakarta.validation.ConstraintViolationException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Kestra's engine, with the part of its REST API that the platform calls.
 *
 * Maven Central has Kestra's executor, scheduler, worker and controller, but not its web server. This class starts the
 * four and answers HTTP in the shape of Kestra 2's published OpenAPI, by the services that its web server calls too.
 * Usage: Front PORT, with the file of the engine's settings in the property micronaut.config.files. The environment may hold
 * FRONT_USER and FRONT_PASSWORD, which every request then needs, and FRONT_VERSION, which it reports.
 */
public final class Front {
    private static final String TENANT = "main";
    private static final String API = "/api/v1/";
    private static final ObjectMapper JSON = JacksonMapper.ofJson();

    private final FlowService flowService;
    private final FlowRepositoryInterface flows;
    private final ExecutionRepositoryInterface executions;
    private final ExecutionService executionService;
    private final LogDataStoreInterface logs;
    private final TriggerRepositoryInterface triggers;
    private final FlowInputOutput inputs;
    private final DispatchQueueInterface<ExecutionCommand> commands;
    private final BroadcastQueueInterface<ExecutionKilled> kills;
    private final String version;
    private final String credential;

    private Front(ApplicationContext context) {
        flowService = context.getBean(FlowService.class);
        flows = context.getBean(FlowRepositoryInterface.class);
        executions = context.getBean(ExecutionRepositoryInterface.class);
        executionService = context.getBean(ExecutionService.class);
        logs = context.getBean(LogDataStoreInterface.class);
        triggers = context.getBean(TriggerRepositoryInterface.class);
        inputs = context.getBean(FlowInputOutput.class);
        commands = context.getBean(Argument.of(DispatchQueueInterface.class, ExecutionCommand.class));
        kills = context.getBean(Argument.of(BroadcastQueueInterface.class, ExecutionKilled.class));
        version = Optional.ofNullable(System.getenv("FRONT_VERSION"))
            .orElseGet(() -> context.getBean(VersionProvider.class).getVersion());
        String user = System.getenv("FRONT_USER");
        String pair = user + ":" + System.getenv("FRONT_PASSWORD");
        credential = user == null
            ? null
            : "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
    }

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        ApplicationContext context = ApplicationContext.builder()
            .mainClass(Front.class)
            .environments("standalone")
            .deduceEnvironment(false)
            .build();
        context.start();
        Executors.newVirtualThreadPerTaskExecutor().submit(context.getBean(Executor.class));
        Executors.newVirtualThreadPerTaskExecutor().submit(context.getBean(Indexer.class));
        context.getBean(Controller.class).start();
        context.getBean(Worker.class).start(8);
        context.getBean(Scheduler.class).run();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        Front front = new Front(context);
        server.createContext("/", front::answer);
        server.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(0)));
        Thread.currentThread().join();
    }

    private record Answer(int status, Object body) {}

    private static final class Refused extends Exception {
        final int status;

        Refused(int status, String message) {
            super(message);
            this.status = status;
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        Answer answer;
        try {
            answer = answered(exchange);
        } catch (Refused refused) {
            answer = new Answer(refused.status, Map.of("message", refused.getMessage()));
        } catch (ConstraintViolationException error) {  // as Kestra's ErrorController does
            answer = new Answer(422, Map.of("message", "Invalid entity: " + error.getMessage()));
        } catch (IllegalArgumentException error) {
            answer = new Answer(422, Map.of("message", "Illegal argument: " + error.getMessage()));
        } catch (IllegalStateException error) {
            answer = new Answer(409, Map.of("message", "Illegal state: " + error.getMessage()));
        } catch (Exception error) {
            error.printStackTrace();
            answer = new Answer(500, Map.of("message", "Internal server error: " + error.getMessage()));
        }
        byte[] body = answer.body == null ? new byte[0] : JSON.writeValueAsBytes(answer.body);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(answer.status, body.length == 0 ? -1 : body.length);
        if (body.length > 0) {
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    private Answer answered(HttpExchange exchange) throws Exception {
        String path = exchange.getRequestURI().getPath();
        if (credential != null && !credential.equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
            exchange.getResponseHeaders().set("WWW-Authenticate", "Basic realm=\"kestra\"");
            return new Answer(401, null);
        }
        if (!path.startsWith(API)) {
            throw new Refused(404, "Not Found");
        }
        List<String> parts = List.of(path.substring(API.length()).split("/"));
        if (parts.equals(List.of("configs"))) {
            return new Answer(200, Map.of("version", version, "edition", "OSS"));
        }
        if (!parts.get(0).equals(TENANT)) {
            throw new Refused(404, "Not Found");
        }
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String type = Optional.ofNullable(exchange.getRequestHeaders().getFirst("Content-Type")).orElse("");
        Map<String, List<String>> query = query(exchange.getRequestURI().getRawQuery());
        String call = exchange.getRequestMethod() + " " + parts.get(1) + " " + (parts.size() - 2);
        return switch (call) {
            case "POST flows 0" -> create(body);
            case "POST flows 1" -> new Answer(200, flowService.validate(TENANT, List.of(new FlowSource(null, body))));
            case "GET flows 2" -> new Answer(200, flow(parts.get(2), parts.get(3)));
            case "PUT flows 2" -> update(flow(parts.get(2), parts.get(3)), body);
            case "DELETE flows 2" -> {
                flowService.delete(flow(parts.get(2), parts.get(3)));
                yield new Answer(204, null);
            }
            case "GET executions 1" -> parts.get(2).equals("search")
                ? search(query)
                : new Answer(200, execution(parts.get(2)));
            case "POST executions 2" -> execute(parts.get(2), parts.get(3), query, form(type, body));
            case "DELETE executions 3" -> kill(parts.get(2));
            case "GET logs 1" -> new Answer(200, logs.findByExecutionId(TENANT, execution(parts.get(2)).getId(), null));
            case "GET triggers 2" -> new Answer(
                200,
                Map.of("results", triggers.find(Pageable.from(1, 10), null, TENANT, parts.get(2), parts.get(3), null))
            );
            default -> throw new Refused(404, "Not Found");
        };
    }

    private Answer create(String source) throws Exception {
        GenericFlow flow = GenericFlow.fromYaml(TENANT, source);
        if (flows.findById(TENANT, flow.getNamespace(), flow.getId()).isPresent()) {
            throw new Refused(422, "Invalid entity: Flow id already exists");
        }
        return new Answer(200, flowService.create(flow));
    }

    private Answer update(FlowWithSource found, String source) throws Exception {
        return new Answer(200, flowService.update(GenericFlow.fromYaml(TENANT, source), found));
    }

    private FlowWithSource flow(String namespace, String id) throws Refused {
        return flows.findByIdWithSource(TENANT, namespace, id).orElseThrow(() -> new Refused(404, "Not Found"));
    }

    private Execution execution(String id) throws Refused {
        return executions.findById(TENANT, id).orElseThrow(() -> new Refused(404, "Not Found"));
    }

    /** Created by a command for the executor. The answer waits until its record can be read. */
    private Answer execute(String namespace, String id, Map<String, List<String>> query, Map<String, String> given)
        throws Exception {
        Flow flow = flow(namespace, id);
        if (flow.isDisabled()) {
            throw new Refused(409, "Illegal state: Cannot execute a disabled flow");
        }
        List<Label> labels = new ArrayList<>();
        for (String label : query.getOrDefault("labels", List.of())) {
            String[] pair = label.split(":", 2);
            labels.add(new Label(pair[0], pair[1]));
        }
        String execution = IdUtils.create();
        ExecutionId place = new ExecutionId(TENANT, namespace, id, execution, flow.getRevision());
        Map<String, Object> read = inputs.readExecutionInputs(flow, execution, given);
        commands.emit(Create.of(place).withLabels(labels).withInputs(read));
        for (int tries = 0; executions.findById(TENANT, execution).isEmpty(); tries++) {
            if (tries > 3000) {
                throw new Refused(500, "the executor does not create the execution");
            }
            Thread.sleep(10);
        }
        return new Answer(200, execution(execution));
    }

    private Answer kill(String id) throws Exception {
        Execution execution = execution(id);
        if (execution.getState().isTerminated()) {
            throw new Refused(409, "Illegal state: Execution is already finished, can't kill it");
        }
        kills.emit(
            ExecutionKilledExecution.builder()
                .state(ExecutionKilled.State.REQUESTED)
                .tenantId(TENANT)
                .executionId(id)
                .isOnKillCascade(true)
                .build()
        );
        return new Answer(200, execution);
    }

    private Answer search(Map<String, List<String>> query) {
        String namespace = query.get("filters[namespace][EQUALS]").get(0);
        String flow = query.get("filters[flowId][EQUALS]").get(0);
        int size = Integer.parseInt(query.getOrDefault("size", List.of("10")).get(0));
        List<Execution> found = executions.findByFlowId(TENANT, namespace, flow, Pageable.from(1, 1000));
        List<Execution> newest = found.stream()
            .sorted(Comparator.comparing((Execution each) -> each.getState().getStartDate()).reversed())
            .limit(size)
            .toList();
        return new Answer(200, Map.of("results", newest, "total", found.size()));
    }

    /** The texts of a multipart form. */
    private static Map<String, String> form(String type, String body) {
        Map<String, String> found = new LinkedHashMap<>();
        int at = type.indexOf("boundary=");
        for (String part : at < 0 ? new String[0] : body.split("--" + Pattern.quote(type.substring(at + 9)))) {
            Matcher name = Pattern.compile("name=\"([^\"]+)\"").matcher(part);
            int content = part.indexOf("\r\n\r\n");
            if (content > 0 && name.find()) {
                found.put(name.group(1), part.substring(content + 4, part.length() - 2));
            }
        }
        return found;
    }

    private static Map<String, List<String>> query(String raw) {
        Map<String, List<String>> found = new LinkedHashMap<>();
        for (String part : raw == null ? new String[0] : raw.split("&")) {
            String[] pair = part.split("=", 2);
            String name = URLDecoder.decode(pair[0], StandardCharsets.UTF_8);
            String value = pair.length > 1 ? URLDecoder.decode(pair[1], StandardCharsets.UTF_8) : "";
            found.computeIfAbsent(name, key -> new ArrayList<>()).add(value);
        }
        return found;
    }
}
