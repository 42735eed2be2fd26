package alchemesh.nifi;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.nifi.annotation.lifecycle.OnStopped;
import org.apache.nifi.processor.AbstractProcessor;
import org.apache.nifi.processor.ProcessContext;
import org.apache.nifi.processor.ProcessSession;
import org.apache.nifi.processor.Relationship;
import org.apache.nifi.processor.exception.ProcessException;

/** Reads a topic. Offsets are committed once the session is: an event is read again rather than lost. */
public abstract class Consumer extends AbstractProcessor {

    static final Relationship SUCCESS = new Relationship.Builder().name("success").description("Events").build();

    private static final Duration POLL = Duration.ofMillis(500);

    private KafkaConsumer<byte[], byte[]> consumer;

    /** A consumer of the topic. */
    protected abstract KafkaConsumer<byte[], byte[]> connect(ProcessContext context);

    /** What separates the events of a flow file; null for one event in each. */
    protected abstract String demarcator(ProcessContext context);

    @Override
    public Set<Relationship> getRelationships() {
        return Set.of(SUCCESS);
    }

    @Override
    public void onTrigger(ProcessContext context, ProcessSession session) throws ProcessException {
        try {
            if (consumer == null) {
                consumer = connect(context);
            }
            ConsumerRecords<byte[], byte[]> events = consumer.poll(POLL);
            if (events.isEmpty()) {
                context.yield();
                return;
            }
            Map<TopicPartition, OffsetAndMetadata> read = Events.write(session, events, demarcator(context), SUCCESS);
            KafkaConsumer<byte[], byte[]> reader = consumer;
            session.commitAsync(() -> reader.commitSync(read), ignored -> close());
        } catch (KafkaException error) {
            close(); // what was not committed is read again by the next one
            throw new ProcessException("Kafka: " + error.getMessage(), error);
        }
    }

    @OnStopped
    public void close() {
        if (consumer != null) {
            consumer.close();
            consumer = null;
        }
    }
}
